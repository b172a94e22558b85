#!/usr/bin/env python3
"""Start PostgreSQL and Mage's web UI with its scheduler on mage_project/, until Ctrl-C."""

import sys
from pathlib import Path

from in_venv import in_venv

if __name__ == "__main__":
    with in_venv():
        from promotion.commands.dev import main

        sys.exit(main(Path(__file__).resolve().parents[1]))
