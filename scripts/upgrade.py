#!/usr/bin/env python3
"""Take the next version of chart, scripts, tests and documentation."""

from in_venv import start

if __name__ == "__main__":
    start("promotion.cli.upgrade")
