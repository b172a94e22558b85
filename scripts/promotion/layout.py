"""Where things are in a release's tree."""

from __future__ import annotations

CHART = "charts/mage"
ENVIRONMENTS = "environments"
PROJECT = "mage_project"  # part of every Python import of the project, hence the same everywhere
EXAMPLE = "examples/flights"  # where the example is, project and environments, once a team has brought its own

# What a release takes from its source; its configuration comes from `main`, whatever the source is.
PLATFORM_AND_PROJECT = ("charts", PROJECT, "Dockerfile", ".dockerignore", "requirements.txt")
