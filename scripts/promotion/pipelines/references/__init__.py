"""What a file refers to, one module per language: told by the file's content alone, nothing is looked up."""
