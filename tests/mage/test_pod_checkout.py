"""The scheduler's pod where git-sync puts one checkout after the other in place of the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from mage.pods import Database, copy_of, running
from mage.projects import Block, write_project
from mage.test_pod_scheduler import Site
from mage_pod.waiting import until

# Tells of which checkout it is, and of which the module is that it imports.
_CODE = """\
    @custom
    def block(*args, **kwargs):
        import pathlib, time
        from {package}.marker import TEXT
        from tools.marker import TEXT as BESIDE
        assert BESIDE == TEXT
        pathlib.Path({folder!r}, '{name}').write_text('{text} ' + TEXT)
        while '{name}' == 'first' and not pathlib.Path({folder!r}, 'go').exists():
            time.sleep(0.02)
"""


def publish(folder: Path, project: str, text: str, *names: str) -> None:
    """Put a checkout in place whose files say `text`, as git-sync does: its pipeline has the blocks `names`.

    The project's path in it is `project`, which may be a link to its folder.
    """
    code = {"folder": str(folder), "text": text, "package": Path(project).name}
    blocks = [
        Block(name, _CODE.format(name=name, **code), names[:number][-1:], type="custom")
        for number, name in enumerate(names)
    ]
    checkout = folder / ".worktrees" / text
    made = write_project(checkout, {"chain": blocks})
    (checkout / "packages/tools").mkdir(parents=True)
    if checkout / project != made:
        (checkout / project).symlink_to(made)
    for package in (made, checkout / "packages/tools"):
        (package / "marker.py").write_text(f"TEXT = '{text}'\n")
    link = folder / "new"
    link.symlink_to(Path(".worktrees") / text)
    link.rename(folder / "release")


@pytest.mark.parametrize("project", ["project", "packages/unit_3"])
def test_a_run_stays_with_the_checkout_that_it_began_with(
    template: Database, tmp_path: Path, project: str
) -> None:
    publish(tmp_path, project, "older", "first", "last")
    with copy_of(template) as database:
        site = Site(tmp_path / "release" / project, database)
        with running(site.pod()):
            run = site.trigger("chain")
            until((tmp_path / "first").exists, "begun", 120)
            publish(tmp_path, project, "newer", "first")
            (tmp_path / "go").touch()
            site.completes(run, 120)
    assert [(tmp_path / name).read_text() for name in ("first", "last")] == ["older older", "older older"]
