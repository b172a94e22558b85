"""What a file refers to, one module per language: read from the file's content alone."""
