#!/usr/bin/env python3
"""Show what runs where: pipelines × environments, holds, releases."""

from in_venv import start

if __name__ == "__main__":
    start("promotion.cli.status")
