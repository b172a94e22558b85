"""Projects as teams have them: adopted and mended, they pass their smoke test, are released to dev, and run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import helpers
from helpers import promote, record, run_script, write_environment_gates
from layouts import LAYOUTS, Layout, adopted, mend
from runtime.postgres import Server


@pytest.fixture(autouse=True)
def local_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tests' own server stands for the local one."""
    monkeypatch.setenv("LOCAL_POSTGRES_URL", server.url())
    yield
    server.drop_database("warehouse_dev")


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_an_adopted_layout_is_released_to_dev_and_runs(
    layout: Layout, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    if layout.lacks:
        pytest.skip(f"this machine lacks {layout.lacks}")
    clone = helpers.make_clone(tmp_path / "a team's work")
    write_environment_gates(clone, "dev", ["static", "smoke"])
    adopted(clone, layout)
    mend(clone, layout)
    begin = time.monotonic()
    promote(clone, "main", "dev")
    promoted = time.monotonic()
    ran = run_script(clone, "run", "dev", "--json")
    record_property("promoted", f"{promoted - begin:.1f}")
    record_property("run", f"{time.monotonic() - promoted:.1f}")
    pipelines = [path.split("/")[1] for path in layout.files if path.endswith("/metadata.yaml")]
    smoked = record(clone, "dev")["gates"]["smoke"]
    assert {name: evidence["kind"] for name, evidence in smoked.items()} == dict.fromkeys(pipelines, "local")
    assert ran.exit_code == 0, ran.stderr
    runs = {run["pipeline"]: run["status"] for run in ran.document.get("runs", [])}
    assert runs == dict.fromkeys(pipelines, "completed")
