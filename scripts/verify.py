#!/usr/bin/env python3
"""Check a folder with every static gate, or an environment's releases."""

from in_venv import start

if __name__ == "__main__":
    start("promotion.cli.verify")
