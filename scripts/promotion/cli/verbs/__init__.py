"""The verbs of `promote.py`, a file for each, whose docstring is its help; `options.VERBS` lists them."""
