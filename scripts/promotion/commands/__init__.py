"""One module per verb: a plain function that returns the exit code."""
