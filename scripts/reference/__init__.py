"""The chart's reference: its schema as a list of keys, and those as a table."""
