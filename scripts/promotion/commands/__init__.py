"""One module for each command: a function that yields what it has to show."""
