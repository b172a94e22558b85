#!/usr/bin/env python3
"""Prove what a promotion would release, without releasing it."""

from in_venv import start

if __name__ == "__main__":
    start("promotion.cli.smoke")
