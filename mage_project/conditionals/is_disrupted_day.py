"""Let alerts go out only on days on which many flights were disrupted."""

from typing import Any

from pandas import DataFrame

if "condition" not in globals():
    from mage_ai.data_preparation.decorators import condition


@condition
def is_disrupted_day(flights: DataFrame, *args: Any, **variables: Any) -> bool:
    """Return whether the share of disrupted flights reaches the variable `disrupted_share`."""
    share = flights["disrupted"].mean()
    print(f"{share:.1%} of {len(flights)} flights were disrupted; alerts from {variables['disrupted_share']:.1%}")
    return bool(share >= variables["disrupted_share"])
