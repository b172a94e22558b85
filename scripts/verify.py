#!/usr/bin/env python3
"""Check a folder with every static gate, or derive every digest of an environment again.

examples:
  scripts/verify.py           the clone that you stand in, for every environment
  scripts/verify.py prod      every release of prod: digests, numbers, chain
"""

import sys

from in_venv import in_venv

if __name__ == "__main__":
    with in_venv():
        from promotion.cli.verify import main

        sys.exit(main(__doc__ or ""))
