"""The generated pages: what the code, the schemas and the chart say about themselves, as tables."""
