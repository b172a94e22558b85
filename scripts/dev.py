#!/usr/bin/env python3
"""Start PostgreSQL and Mage's web UI on mage_project/, until Ctrl-C."""

from in_venv import start

if __name__ == "__main__":
    start("promotion.cli.dev")
