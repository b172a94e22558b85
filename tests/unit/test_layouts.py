"""Projects as teams have them: adopted and verified, each true finding is told and no false one.

The figures are printed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers import SECRET, call_script
from layouts import LAYOUTS, Layout, adopted


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_what_is_told_of_a_layout_is_true_and_all_that_is(
    layout: Layout, project: Path, record_property: Callable[[str, object], None]
) -> None:
    plan = adopted(project, layout)
    begin = time.monotonic()
    verified = call_script(project, "verify", ".", "--json")
    seconds = time.monotonic() - begin
    assert verified.exit_code == (3 if layout.faults else 0), verified.stderr
    findings = verified.document.get("error", {}).get("findings", [])
    told = sorted((finding["code"], finding["path"]) for finding in findings)
    false = [finding for finding in findings if (finding["code"], finding["path"]) not in layout.faults]
    for column, figure in (("findings", len(told)), ("false", len(false)), ("seconds", f"{seconds:.1f}")):
        record_property(column, figure)
    assert told == sorted(layout.faults), findings
    assert SECRET not in plan.stdout + plan.stderr + verified.stdout + verified.stderr
