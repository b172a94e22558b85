#!/usr/bin/env python3
"""Take an environment, or pipelines of it, back to an older release."""

from in_venv import start

if __name__ == "__main__":
    start("promotion.cli.rollback")
