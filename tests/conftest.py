"""Mark every test with its tier: the folder that it lives in."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TIERS = ("unit", "chart", "mage", "kind")


def pytest_configure() -> None:
    """Let what tests start hear Ctrl-C: a shell lets its background jobs ignore it, and that is inherited."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add the marker `unit` to what is in `tests/unit`, and so on."""
    for item in items:
        if item.path.is_relative_to(TESTS):
            tier = item.path.relative_to(TESTS).parts[0]
            if tier in TIERS:
                item.add_marker(tier)
