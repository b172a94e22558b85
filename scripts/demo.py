#!/usr/bin/env python3
"""Show the whole story on this machine: from main to prod and back."""

from in_venv import start

if __name__ == "__main__":
    start("demonstration.demo")
