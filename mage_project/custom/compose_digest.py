"""Compose the alert of one airport: runs once for each airport (child of a dynamic block)."""

from collections import Counter
from typing import Any

if "custom" not in globals():
    from mage_ai.data_preparation.decorators import custom


@custom
def compose_digest(airport: dict[str, Any], *args: Any, **variables: Any) -> dict[str, Any]:
    """Return day, airport, number of disrupted flights, worst hit carrier and a sentence for people."""
    flights = airport["flights"]
    cancelled = sum(flight["cancelled"] for flight in flights)
    carrier, hits = min(Counter(flight["carrier"] for flight in flights).items(), key=lambda c: (-c[1], c[0]))
    return {
        "flight_date": airport["flight_date"],
        "origin": airport["origin"],
        "disrupted": len(flights),
        "digest": f"{airport['origin']}: {len(flights)} flights disrupted, {cancelled} of them cancelled; "
        f"worst hit is {carrier} with {hits}.",
    }
