"""Draw the mean arrival delay of each carrier as bars in HTML, early to the left of zero and late to the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from promotion.showing.markup import Markup, element
from promotion.status.page import section, table


@dataclass(frozen=True)
class Carrier:
    """What a carrier's flights did over some days; `mean_arr_delay` in minutes, None when none arrived."""

    code: str
    airline: str
    flights: int
    cancelled: int
    mean_arr_delay: float | None


def delays_section(carriers: Sequence[Carrier], days: str) -> Markup:
    """Return a section of the status page with a bar per carrier, the latest first."""
    delays = [0.0, *(carrier.mean_arr_delay for carrier in carriers if carrier.mean_arr_delay is not None)]
    low, high = min(delays), max(delays)
    ordered = sorted(carriers, key=lambda carrier: -(carrier.mean_arr_delay or low))
    header = ["Airline", "Mean arrival delay", "Minutes", "Flights", "Cancelled"]
    rows = [
        [
            carrier.airline,
            _bar(carrier.mean_arr_delay or 0, low, (high - low) or 1),
            _minutes(carrier.mean_arr_delay),
            f"{carrier.flights:,}",
            f"{carrier.cancelled / carrier.flights:.0%}",
        ]
        for carrier in ordered
    ]
    caption = f"Departures from New York City, {days}, from the tables of prod"
    return section("Delays by carrier", table(caption, header, rows, "bars"))


def _minutes(delay: float | None) -> str:
    return "—" if delay is None else f"{delay:+.2f}".replace("-", "−")


def _bar(delay: float, low: float, width: float) -> Markup:
    """Return the bar of `delay` on an axis that begins at `low` and is `width` minutes long."""
    shares = {"from": (min(delay, 0) - low) / width, "size": abs(delay) / width, "zero": -low / width}
    position = "; ".join(f"--{name}: {share:.2%}" for name, share in shares.items())
    bar = element("span", class_="bar early" if delay < 0 else "bar")
    return element("span", bar, class_="track", style=position, aria_hidden="true")
