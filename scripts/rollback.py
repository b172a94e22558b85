#!/usr/bin/env python3
"""Take an environment, or some of its pipelines, back to an older release.

examples:
  scripts/rollback.py prod --reason "negative totals"               to the last good release
  scripts/rollback.py prod --to 3 --reason "negative totals"        to release 3
  scripts/rollback.py prod -p flights_daily --reason "wrong join"   one pipeline only
  scripts/rollback.py prod --reason "negative totals" --pr          where env/prod is protected: by a pull request
"""

import sys

from in_venv import in_venv

if __name__ == "__main__":
    with in_venv():
        from promotion.cli.rollback import main

        sys.exit(main(__doc__ or ""))
