"""The composed tree is run for real, on this machine or in a cluster."""
