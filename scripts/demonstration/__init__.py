"""What `make demo` shows: the promotion of real pipelines, step by step, on a scratch remote."""
