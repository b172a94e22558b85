"""Where things are in a release's tree."""

from __future__ import annotations

ENVIRONMENTS = "environments"
FOLDER = "mage_project"  # part of every Python import of the project, hence the same everywhere

# What a release takes from its source; its configuration comes from `main`, whatever the source is.
PLATFORM_AND_PROJECT = ("charts", FOLDER, "Dockerfile", ".dockerignore", "requirements.txt")
