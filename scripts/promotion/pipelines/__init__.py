"""What a pipeline is, and every file that it needs."""
