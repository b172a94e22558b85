"""The command lines: a file for each script, whose docstring is the script's help, and what they share."""
