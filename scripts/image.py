#!/usr/bin/env python3
"""Build the image of a tree, under the tag that its release says."""

from in_venv import start

if __name__ == "__main__":
    start("promotion.cli.image")
