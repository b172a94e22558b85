"""The version of this project: also the chart's, pyproject.toml's and that in each new `release.yaml`."""

from __future__ import annotations

VERSION = "0.2.0"
