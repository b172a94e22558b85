"""The chart's README tells the keys that there are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from basics.errors import PromotionError
from chart.scenarios import CHART
from reference.table import with_reference, write


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A copy of the files that the reference is made from."""
    for name in ("README.md", "values.yaml", "values.schema.json"):
        shutil.copy(CHART / name, tmp_path)
    return tmp_path


def test_the_readme_is_up_to_date() -> None:
    text = (CHART / "README.md").read_text()
    assert text == with_reference(text, CHART), "run `make chart-docs`"


def test_another_default_makes_it_stale(chart: Path) -> None:
    values = chart / "values.yaml"
    values.write_text(values.read_text().replace("drainSeconds: 600", "drainSeconds: 601"))
    text = (chart / "README.md").read_text()
    assert text != with_reference(text, chart)


def test_what_is_written_by_hand_stays(chart: Path) -> None:
    readme = chart / "README.md"
    before = readme.read_text()
    readme.write_text(before.replace("# mage\n", "# mage of ours\n") + "\nLast words.\n")
    write(chart)
    assert readme.read_text().startswith("# mage of ours\n")
    assert readme.read_text().endswith("\nLast words.\n")


def test_without_markers_nothing_is_written(chart: Path) -> None:
    readme = chart / "README.md"
    readme.write_text("# mine\n")
    with pytest.raises(PromotionError, match="once each"):
        write(chart)
    assert readme.read_text() == "# mine\n"
