"""Where things are in a release's tree."""

from __future__ import annotations

CHART = "charts/mage"
ENVIRONMENTS = "environments"
REGISTRY = f"{ENVIRONMENTS}/registry.yaml"  # where images go, the same for all environments
PROJECT = "mage_project"
# What the project imports by name: packages beside it, and a link to it if it has a name of its own.
PACKAGES = "packages"
EXAMPLE = "examples/flights"  # where the example is, project and environments, once a team has brought its own

# What a release takes from its source; its configuration comes from `main`, whatever the source is.
PLATFORM_AND_PROJECT = ("charts", PROJECT, PACKAGES, "Dockerfile", ".dockerignore", "requirements.txt")
