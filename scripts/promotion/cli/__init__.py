"""The command lines, a file for each script: its docstring is the script's help. And what they share."""
