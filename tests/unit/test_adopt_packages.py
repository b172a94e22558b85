"""`scripts/adopt.py`: packages of Python that are beside the project, and those that it asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import PROJECT, push, write
from unit.adoption import adopt, content, in_git, listed, plan_of


def test_packages_beside_the_project_come_with_those_that_they_import(template: Path, theirs: Path) -> None:
    write(theirs, {"transformers/clean.py": "from tools.money import rounded\n"})
    write(
        theirs.parent,
        {"tools/money.py": "import rates\n", "tools/money.csv": "1\n", "rates.py": "", "other.py": ""},
    )
    adopt(template, theirs)
    assert listed(template, "packages") == [
        "packages/rates.py",
        "packages/tools/money.csv",
        "packages/tools/money.py",
    ]


def test_of_a_package_around_the_project_the_imported_parts_come(template: Path, theirs: Path) -> None:
    write(theirs, {"transformers/clean.py": "from shop.tools.money import rounded\nimport shop.unit_3\n"})
    around = theirs.parent
    theirs = theirs.rename(around.parent / "unit_3")
    (around / "shop").mkdir()
    theirs = theirs.rename(around / "shop" / "unit_3")
    write(around / "shop", {"__init__.py": "", "tools/money.py": "", "tools/.env": "", "more/x.py": ""})
    in_git(around / "shop")
    adopt(template, theirs)
    assert listed(template, "packages") == ["packages/shop/__init__.py", "packages/shop/tools/money.py"]


def test_packages_beside_the_folder_around_the_project_come(template: Path, theirs: Path) -> None:
    write(theirs, {"transformers/clean.py": "from tools.money import rounded\n"})
    write(theirs.parent.parent, {"tools/money.py": ""})
    in_git(theirs.parent)
    adopt(template, theirs)
    assert listed(template, "packages") == ["packages/tools/money.py"]


# What the project asks for

LOCK = "mage-ai==0.9.80\npandas==2.3.3\nsqlalchemy==2.0.44\nkubernetes==33.1.0\n"
OURS = '[project]\ndependencies = ["mage-ai==0.9.80", "pandas>=2.2,<3"]\n'
ASKED = f"{PROJECT}/requirements.txt"


@pytest.fixture
def locked(template: Path) -> Path:
    """A clone that says which packages its image has."""
    write(template, {"requirements.txt": LOCK, "pyproject.toml": OURS})
    push(template)
    return template


@pytest.mark.parametrize("own", [{}, {"requirements.txt": "# none\n\n"}])
def test_the_requirements_around_a_project_that_has_none_come(
    locked: Path, theirs: Path, own: dict[str, str]
) -> None:
    write(theirs, own)
    write(theirs.parent, {"requirements.txt": "pandas\nfeedparser>=6 # fast\n"})
    plan = plan_of(locked, theirs)
    assert plan["joining"] == ["feedparser>=6"]
    assert {"path": ASKED, "what": "is ../requirements.txt: the project has none of its own"} in plan["changes"]
    assert plan["left"] == []
    adopt(locked, theirs)
    assert content(locked, ASKED) == "pandas\nfeedparser>=6 # fast"


@pytest.mark.parametrize(
    ("own", "around"),
    [({"requirements.txt": "pandas\n"}, "feedparser\n"), ({}, "-r more.txt\n"), ({}, "feedparser\n-e ./lib\n")],
)
def test_other_requirements_around_the_project_are_left_to_a_person(
    locked: Path, theirs: Path, own: dict[str, str], around: str
) -> None:
    write(theirs, own)
    write(theirs.parent, {"requirements.txt": around})
    plan = plan_of(locked, theirs)
    assert plan["left"] == [
        {"path": "../requirements.txt", "why": f"write the packages that the project needs into {ASKED}"}
    ]
    assert plan["joining"] == []


@pytest.mark.parametrize(
    ("asked", "other"),
    [
        ("sqlalchemy<1.4", "mage-ai asks for sqlalchemy"),
        ("mage-ai[all]==0.9.70", "pyproject.toml asks for mage-ai==0.9.80"),
    ],
)
def test_a_conflict_that_would_stop_the_lock_names_both_sides_before_it(
    locked: Path, theirs: Path, asked: str, other: str
) -> None:
    write(theirs, {"requirements.txt": f"pandas\n{asked}\n"})
    (finding,) = plan_of(locked, theirs)["findings"]
    assert (finding["code"], finding["path"], finding["line"]) == ("packages-conflict", ASKED, 2)
    assert finding["problem"].startswith(f"asks for {asked}, but {other}")
    steps = adopt(locked, theirs).stdout
    assert steps.index("mend the 1 finding") < steps.index("make lock")


def test_a_package_that_joins_the_lock_asks_for_one(locked: Path, theirs: Path) -> None:
    write(theirs, {"requirements.txt": "feedparser\n"})
    told = adopt(locked, theirs).stdout
    assert "+ requirements.txt  make lock adds feedparser" in told
    assert "1. git merge --ff-only adopt/unit_3\n  2. make lock && make .venv/installed" in told
