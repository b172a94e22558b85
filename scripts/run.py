#!/usr/bin/env python3
"""Run pipelines on this machine, on the source data, against a warehouse of the local PostgreSQL.

examples:
  scripts/run.py                                         this folder's pipelines, as dev, on their smoke days
  scripts/run.py . -p flights_daily                      one of them
  scripts/run.py . -p flights_daily --days 2013-02-08    on a day of your choice
  scripts/run.py prod --days 2013-02-04..2013-02-10      what prod runs now, on a week
"""

import sys

from in_venv import in_venv

if __name__ == "__main__":
    with in_venv():
        from promotion.cli.run import main

        sys.exit(main(__doc__ or ""))
