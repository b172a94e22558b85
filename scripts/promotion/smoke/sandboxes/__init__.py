"""Where a composed tree is run to prove it."""
