"""What Mage does with each import of its decorators; the static gate says the same of them."""

from __future__ import annotations

from pathlib import Path

from decorator_cases import HARMLESS, REPLACING
from mage.projects import Block, write_project
from runtime.run import Run, run_pipelines


def test_mage_runs_what_the_static_gate_lets_pass_and_nothing_else(tmp_path: Path) -> None:
    codes = {f"case_{number:02}": code for number, code in enumerate([*REPLACING, *HARMLESS])}
    project = write_project(tmp_path, {name: [Block(name, type="data_loader")] for name in codes})
    for name, code in codes.items():
        (project / "data_loaders" / f"{name}.py").write_text(code)
    results = run_pipelines(project, [Run(name) for name in codes], environment={})
    ran = {result.pipeline: result.status == "completed" for result in results}
    assert ran == {name: code in HARMLESS for name, code in codes.items()}
