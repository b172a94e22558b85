"""Let R blocks run only where R is installed: the image has it, a laptop may not."""

import shutil
from typing import Any

if "condition" not in globals():
    from mage_ai.data_preparation.decorators import condition


@condition
def r_is_installed(*args: Any, **variables: Any) -> bool:
    """Return whether Rscript is on the PATH; if not, say what is left out."""
    found = shutil.which("Rscript") is not None
    if not found:
        print("Rscript is not on the PATH: R blocks and what follows them are skipped. Install R to run them.")
    return found
