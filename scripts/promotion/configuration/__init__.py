"""What an environment is: the files that people write below `environments/`."""
