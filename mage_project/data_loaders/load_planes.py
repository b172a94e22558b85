"""Load the register of planes from the source."""

from typing import Any

from pandas import DataFrame

from mage_project.utils.warehouse import read

if "data_loader" not in globals():
    from mage_ai.data_preparation.decorators import data_loader
if "test" not in globals():
    from mage_ai.data_preparation.decorators import test

QUERY = "select tailnum, year as plane_year, manufacturer, model, seats from planes"


@data_loader
def load_planes(*args: Any, **variables: Any) -> DataFrame:
    """Return year of manufacture, manufacturer, model and seats by tail number."""
    return read("source", QUERY)


@test
def test_tail_numbers_are_unique(planes: DataFrame, *args: Any) -> None:
    """A second row for a plane would double its flights in the join."""
    assert planes["tailnum"].is_unique, "a tail number is registered twice"
