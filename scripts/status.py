#!/usr/bin/env python3
"""Show what runs where: the matrix pipelines × environments, holds and releases.

examples:
  scripts/status.py                     all environments
  scripts/status.py prod                one environment
  scripts/status.py --html status.html  the page as well
"""

import sys

from in_venv import in_venv

if __name__ == "__main__":
    with in_venv():
        from promotion.cli.status import main

        sys.exit(main(__doc__ or ""))
