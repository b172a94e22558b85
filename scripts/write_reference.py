#!/usr/bin/env python3
"""Write every generated page again."""

from in_venv import start

if __name__ == "__main__":
    start("reference.write_reference")
