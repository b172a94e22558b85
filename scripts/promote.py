#!/usr/bin/env python3
"""Promote data pipelines from one environment to the next.

examples:
  scripts/promote.py main dev                        everything on main: show the plan, ask, release
  scripts/promote.py dev staging -p flights_daily    one pipeline, with every file that it needs
  scripts/promote.py dev staging -p +tag:finance     what is tagged so, and what it needs first
  scripts/promote.py staging prod --plan             look only; exit code 2 when there is something to do
  scripts/promote.py staging prod --plan --markdown          as Markdown, for a pull request or a ticket
  scripts/promote.py staging prod --plan -o plan.json        and keep the plan; later, if it still holds:
  scripts/promote.py apply plan.json                 exactly that, without a question
  scripts/promote.py approve plan.json               agree to it, where the policy asks others; releases nothing
  scripts/promote.py staging prod --pr               where env/prod is protected: by a pull request
  scripts/promote.py finalize prod                   after its merge: check what came, remove the branch
  scripts/promote.py observe dev                     count its scheduled runs, where the policy asks for some
  scripts/promote.py rehearse staging prod           promote and take back, where nobody else sees it
  scripts/promote.py backfill prod                   data that older versions wrote: show it, or say it is done
  scripts/promote.py ratify prod --reason TEXT       stand for what --emergency skipped
  scripts/promote.py why flights_daily mage_project/utils/dates.py    what makes a pipeline need a file
  scripts/promote.py staging prod --yes --json       no question, one JSON document on stdout
"""

import sys

from in_venv import in_venv

if __name__ == "__main__":
    with in_venv():
        from promotion.cli.promote import main

        sys.exit(main(__doc__ or ""))
