#!/usr/bin/env python3
"""Tell the whole story on this machine: real pipelines promoted from main through dev and staging to prod.

examples:
  scripts/demo.py          in a scratch folder that is removed at the end; leaves demo/index.html
  scripts/demo.py --keep   keep the scratch clone and its remote, to go on from there
"""

import sys
from pathlib import Path

from in_venv import in_venv

if __name__ == "__main__":
    with in_venv():
        from demonstration.show import main

        sys.exit(main(__doc__ or "", Path(__file__).resolve().parents[1]))
