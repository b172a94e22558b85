#!/usr/bin/env python3
"""Install what a merge would make of dev, for some hours and apart from dev."""

from in_venv import start

if __name__ == "__main__":
    start("promotion.cli.preview")
