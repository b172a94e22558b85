"""Check a folder with every static gate, or derive every digest of an environment again.

Examples:
  scripts/verify.py           the clone that you stand in, for every environment
  scripts/verify.py prod      every release of prod: digests, numbers, chain

"""

import sys

from promotion.cli import verify_main

if __name__ == "__main__":
    sys.exit(verify_main(__doc__ or ""))
