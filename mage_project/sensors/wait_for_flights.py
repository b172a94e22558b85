"""Wait until flights_daily has written the day's flights."""

from typing import Any

from mage_project.utils.dates import flight_date
from mage_project.utils.warehouse import read

if "sensor" not in globals():
    from mage_ai.data_preparation.decorators import sensor


@sensor
def flights_have_arrived(*args: Any, **variables: Any) -> bool:
    """Return whether `mart.flights` has rows of the day; Mage asks again every minute until it has.

    flights_daily writes a day in one transaction: one row there means that all are.
    """
    if read("default", "select to_regclass('mart.flights') as oid")["oid"].isna().all():
        return False
    query = "select exists (select from mart.flights where flight_date = %(day)s) as arrived"
    return bool(read("default", query, day=flight_date(variables))["arrived"].item())
