"""Show what runs where: the matrix pipelines × environments, holds and releases.

Examples:
  scripts/status.py                     all environments
  scripts/status.py prod                one environment
  scripts/status.py --html status.html  the page as well

"""

import sys

from promotion.cli import status_main

if __name__ == "__main__":
    sys.exit(status_main(__doc__ or ""))
