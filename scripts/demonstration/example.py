"""The flights project and its environments: what the demonstration and the tests of the tool run on."""

from __future__ import annotations

from pathlib import Path

from basics.process import run
from promotion.layout import ENVIRONMENTS, EXAMPLE, PACKAGES, PROJECT


def example_of(checkout: Path) -> Path:
    """Return the folder with the example's project and environments: the root, until a team has its own there."""
    folder = checkout / EXAMPLE
    return folder if folder.is_dir() else checkout


def put_in_place(clone: Path) -> None:
    """Let the example stand in `clone` and on its remote's main where a team's project would."""
    example = example_of(clone)
    if example == clone:
        return
    of_the_team = (PROJECT, ENVIRONMENTS, PACKAGES, f":!{PACKAGES}/README.md")
    run("git", "rm", "-r", "--quiet", "--ignore-unmatch", *of_the_team, cwd=clone)
    run("git", "mv", *(str(example / name) for name in (PROJECT, ENVIRONMENTS)), str(clone), cwd=clone)
    run("git", "commit", "--quiet", "--message", "Put the example in place", cwd=clone)
    run("git", "push", "--quiet", cwd=clone)
