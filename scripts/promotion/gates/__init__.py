"""The gates: each takes a draft and says what is against it."""
