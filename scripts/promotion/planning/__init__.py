"""The plan: a draft with its verdict."""
