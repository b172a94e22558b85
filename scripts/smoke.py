#!/usr/bin/env python3
"""Prove what a promotion would release, without releasing it: the promotion that follows reuses the evidence.

examples:
  scripts/smoke.py dev staging                       as staging's policy.yaml asks
  scripts/smoke.py staging prod --on kind            on a kind cluster: the image, the chart and Mage's API
  scripts/smoke.py dev staging -p flights_daily      the tree that a promotion of this pipeline alone would make
  SMOKE_CLUSTER=shared scripts/smoke.py staging prod --on kind     on a kind cluster of that name (mage-smoke)
"""

import sys

from in_venv import in_venv

if __name__ == "__main__":
    with in_venv():
        from promotion.cli.smoke import main

        sys.exit(main(__doc__ or ""))
