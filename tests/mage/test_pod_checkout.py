"""The scheduler's pod where one checkout of the project after the other comes: by git-sync, or with an image."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mage.pods import Database, copy_of, running
from mage.projects import Block, write_project
from mage.test_pod_scheduler import Site
from mage_pod import kept_copies
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
    (checkout / "release.yaml").write_text(f"release: {{number: {7 if text == 'older' else 8}}}\n")
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
        numbers = database.ask("SELECT metrics->>'release' FROM pipeline_run")
    assert numbers == [("7",)]
    assert [(tmp_path / name).read_text() for name in ("first", "last")] == ["older older", "older older"]


def bake(folder: Path, text: str, *names: str) -> Path:
    """Put a project in place whose files say `text`, as another image has it; return it."""
    publish(folder, "project", text, *names)
    baked = folder / "baked"
    shutil.rmtree(baked, ignore_errors=True)
    shutil.copytree(folder / "release", baked)
    return baked / "project"


def test_a_run_stays_with_the_project_of_the_image_that_it_began_with(template: Database, tmp_path: Path) -> None:
    checkouts = {"MAGE_POD_CHECKOUTS": str(tmp_path / "checkouts"), "MAGE_POD_IMAGE": "mage:older"}
    project = bake(tmp_path, "older", "first", "last")
    with copy_of(template) as database:
        site = Site(project, database)
        with running(site.pod(**checkouts)) as pod:
            run = site.trigger("chain")
            until((tmp_path / "first").exists, "begun", 120)
            pod.process.terminate()
            (tmp_path / "go").touch()
            assert pod.process.wait(60) == 0
        bake(tmp_path, "newer", "first")
        checkouts["MAGE_POD_IMAGE"] = "mage:newer"
        with running(site.pod(**checkouts)):
            site.completes(run, 120)
            assert [(tmp_path / name).read_text() for name in ("first", "last")] == ["older older", "older older"]
            site.completes(later := site.trigger("chain"), 120)
        images = "SELECT metrics->>'image', metrics->>'schema' = version_num FROM pipeline_run, alembic_version"
        assert database.ask(f"{images} WHERE id IN (%s, %s) ORDER BY id", run, later) == [
            ("mage:older", True),
            ("mage:newer", True),
        ]
    assert (tmp_path / "first").read_text() == "newer newer"


def test_the_last_five_projects_are_kept(tmp_path: Path) -> None:
    make, kept = kept_copies.copy_of.__wrapped__, tmp_path / "kept"
    projects = [bake(tmp_path / str(number), str(number), "one") for number in range(7)]
    copies = [make(project, kept) for project in projects]
    assert [copy.is_dir() for copy in copies] == [False, False, True, True, True, True, True]
    assert make(projects[-1], kept) == copies[-1]
    assert sorted(kept.iterdir()) == sorted(copies[2:])


def test_where_nothing_can_be_written_the_image_is_read(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file in the way")
    project = bake(tmp_path, "older", "one")
    assert kept_copies.copy_of.__wrapped__(project, tmp_path / "kept") == project.parent
