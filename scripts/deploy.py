#!/usr/bin/env python3
"""Install an environment's release in its cluster, and stay until it works or is taken back."""

from in_venv import start

if __name__ == "__main__":
    start("promotion.cli.deploy")
