"""Smoke tests: the composed tree runs, on this machine or in a cluster."""
