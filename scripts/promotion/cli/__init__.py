"""The command lines: a file for each script, and what they share."""
