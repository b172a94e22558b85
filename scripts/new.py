#!/usr/bin/env python3
"""Write a pipeline or a block that runs at once, in the style of the project."""

from in_venv import start

if __name__ == "__main__":
    start("promotion.cli.new")
