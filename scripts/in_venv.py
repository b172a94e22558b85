"""Make `scripts/promote.py …` work as typed: start over with `.venv` when PATH's Python lacks the packages."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

_PYTHON = Path(__file__).resolve().parents[1] / ".venv" / "bin" / "python"


def ensure_packages() -> None:
    """Return where the packages are importable; else start over with `.venv`, or say how to make one."""
    if all(importlib.util.find_spec(name) for name in ("rich", "yaml", "psycopg2")):
        return
    if not _PYTHON.exists() or Path(sys.executable) == _PYTHON:
        sys.exit("The packages that this needs are not installed. Install them once: make .venv/installed")
    os.execv(_PYTHON, [str(_PYTHON), *sys.argv])  # noqa: S606 (no shell: the same command, another Python)
