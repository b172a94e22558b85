"""The composed tree, run for real: on this machine or in a cluster."""
