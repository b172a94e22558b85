#!/usr/bin/env python3
"""Write the table of all values into charts/mage/README.md, from values.schema.json and values.yaml.

examples:
  scripts/chart_reference.py    writes what lies between the markers; `git diff` shows whether that was due
"""

import sys
from pathlib import Path

from in_venv import in_venv

if __name__ == "__main__":
    with in_venv():
        from reference.table import main

        sys.exit(main(Path(__file__).resolve().parents[1] / "charts" / "mage"))
