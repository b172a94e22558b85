"""Where Python finds what a project imports, as in the chart's pods."""

from __future__ import annotations

import os
from pathlib import Path


def python_path(project: Path) -> str:
    """Return the value of PYTHONPATH for `project`, which may be a link to the project's folder.

    It has the packages beside the project, and the project by the name of its folder.
    """
    root = project.resolve().parent
    return os.pathsep.join([str(root / "packages"), str(root)])
