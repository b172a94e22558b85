"""Where things are in a release's tree."""

from __future__ import annotations

FOLDER = "mage_project"  # part of every Python import of the project, hence the same everywhere
