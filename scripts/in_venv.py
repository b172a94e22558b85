"""Make `scripts/promote.py ...` work as typed: start again with `.venv` if PATH's Python does not suffice.

An old Python must be able to read this file and the scripts next to it: no newer syntax than 3.6's here.
"""

import importlib
import importlib.util
import os
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_PYTHON = _ROOT / ".venv" / "bin" / "python"
_SHARED_WITH_PODS = _ROOT / "charts" / "mage" / "files"
_OLDEST = (3, 11)
_INTERRUPTED = 130


def start(command: str) -> None:
    """Run the module `command` where the packages are importable; Ctrl-C, even in an import, ends it quietly."""
    try:
        _open_closed_streams()
        _ensure_packages()
        sys.path.append(str(_SHARED_WITH_PODS))
        boundary = importlib.import_module("promotion.cli.boundary")
        sys.exit(boundary.run(importlib.import_module(command)))
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def _ensure_packages() -> None:
    """Do nothing if the packages are importable; else start again with `.venv`, or say how to make it."""
    old = sys.version_info < _OLDEST
    if not old and all(importlib.util.find_spec(name) for name in ("rich", "yaml", "psycopg2")):
        return
    if _PYTHON.exists() and Path(sys.executable) != _PYTHON:
        os.execv(str(_PYTHON), [str(_PYTHON), *sys.argv])  # noqa: S606 (no shell: the same command, another Python)
    problem = "This needs Python 3.11 or newer" if old else "The packages that this needs are not installed"
    sys.exit(f"{problem}. Install what it needs once: make .venv/installed")


def _open_closed_streams() -> None:
    """Point each standard stream that the caller closed (`2>&-`) at /dev/null, before a file takes its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # open takes the lowest free number: this one
            setattr(sys, name, open(number, "w" if number else "r"))  # noqa: PTH123, SIM115 (a number, for good)
