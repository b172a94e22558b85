#!/usr/bin/env python3
"""Lock the packages of the image and of this machine."""

from in_venv import start

if __name__ == "__main__":
    start("promotion.cli.lock")
