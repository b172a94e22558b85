"""Mark every test with its tier: the folder that it lives in."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TIERS = ("project", "unit", "chart", "mage", "kind")


_MEMORY, _ROOM = "/dev/shm", 4 << 30  # bytes; containers often have little of it


def pytest_configure() -> None:
    """Let what tests start hear Ctrl-C: a shell lets its background jobs ignore it, and that is inherited.

    Their files lie in memory where there is a place for it: thousands of small repositories come and go.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.set_threshold(100_000)  # most objects stay: to look for garbage every 700 would take a tenth of the time
    # jsonschema does without it; with it, its import takes two seconds, for formats that no test checks.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    os.environ.setdefault("GOGC", "800")  # Helm's Go may take 100 MiB more: a rendering takes a third less time
    if _has_room_in_memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", _MEMORY)  # pytest's own, for the folders of `tmp_path`


def _has_room_in_memory() -> bool:
    """Whether files, programs included, can lie in memory (Linux)."""
    try:
        found = os.statvfs(_MEMORY)
    except OSError:
        return False
    programs = not found.f_flag & os.ST_NOEXEC
    return programs and os.access(_MEMORY, os.W_OK) and found.f_bavail * found.f_frsize > _ROOM


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add the marker `unit` to what is in `tests/unit`, and so on."""
    for item in items:
        if item.path.is_relative_to(TESTS):
            tier = item.path.relative_to(TESTS).parts[0]
            if tier in TIERS:
                item.add_marker(tier)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests recorded, a row for each test: what a worker prints is lost."""
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.getreports(kind)]
    rows = {
        each.nodeid: dict(each.user_properties) for each in reports if each.when == "call" and each.user_properties
    }
    for columns in dict.fromkeys(tuple(row) for row in rows.values()):
        terminalreporter.section("figures")
        terminalreporter.line(f"{'':50}" + "".join(f"{column:>10}" for column in columns))
        for test, row in rows.items():
            if tuple(row) == columns:
                name = test.partition("[")[2].rstrip("]")
                terminalreporter.line(f"{name:50}" + "".join(f"{row[column]:>10}" for column in columns))
