#!/usr/bin/env python3
"""Bring a Mage project that exists into this repository."""

from in_venv import start

if __name__ == "__main__":
    start("promotion.cli.adopt")
