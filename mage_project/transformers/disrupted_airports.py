"""Fan out: one run of the blocks below for each airport with disrupted flights (a dynamic block)."""

from typing import Any

from pandas import DataFrame

if "transformer" not in globals():
    from mage_ai.data_preparation.decorators import transformer


@transformer
def disrupted_airports(flights: DataFrame, *args: Any, **variables: Any) -> list[list[dict[str, Any]]]:
    """Return what Mage expects of a dynamic block: the inputs of the child runs, and their names."""
    airports = [
        {"flight_date": day, "origin": origin, "flights": group.to_dict(orient="records")}
        for (day, origin), group in flights[flights["disrupted"]].groupby(["flight_date", "origin"])
    ]
    return [airports, [{"block_uuid": airport["origin"].lower()} for airport in airports]]
