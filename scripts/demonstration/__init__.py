"""What `make demo` shows: the promotion of real pipelines, told step by step on a scratch remote."""
