"""The story: which command each step runs, and how it must end."""

from __future__ import annotations

from datetime import date

from demonstration.stage import Stage

FIRST_DAY, LAST_DAY = date(2013, 2, 4), date(2013, 2, 10)
_WEEK = f"{FIRST_DAY}..{LAST_DAY}"
_SHARED = "mage_project/transformers/clean_flights.py"


def first_release(stage: Stage) -> None:
    """Everything on main goes to dev."""
    stage.type("scripts/promote.py main dev --yes")


def dev_runs(stage: Stage) -> None:
    """Dev runs a week of flights, with the snowstorm of 8 and 9 February 2013."""
    stage.type(f"scripts/run.py dev -p flights_daily -p late_flight_alerts --days {_WEEK} --quiet")


def on_to_prod(stage: Stage) -> None:
    """What dev runs goes to staging, and from there to prod."""
    stage.type("scripts/promote.py dev staging --yes")
    stage.type("scripts/promote.py staging prod --yes")


def change(stage: Stage) -> None:
    """A data engineer changes a transformer: early is on time."""
    _edit(
        stage,
        'return cleaned.join(flights[MINUTES].astype("Int64"))',
        'return cleaned.join(flights[MINUTES].astype("Int64").clip(lower=0))  # early is on time',
        "Count early arrivals as on time",
    )
    stage.type("scripts/promote.py main dev --yes")


def partial_promotion(stage: Stage) -> None:
    """Two pipelines share that file: promoting one of them alone is refused."""
    stage.type("scripts/promote.py dev staging -p flights_daily --yes", exits=5)


def both_pipelines(stage: Stage) -> None:
    """Both together may go, to staging and to prod."""
    both = "-p flights_daily -p delay_features"
    stage.type(f"scripts/promote.py dev staging {both} --yes")
    stage.type(f"scripts/promote.py staging prod {both} --yes")


def broken_change(stage: Stage) -> None:
    """A mistake: not every flight that never arrived is cancelled. The smoke test stops it; dev is unchanged."""
    _edit(
        stage,
        '"cancelled": flights["dep_time"].isna()',
        '"cancelled": flights["arr_time"].isna()',
        "Simplify the test for cancelled flights",
    )
    stage.type("scripts/promote.py main dev --yes", exits=3)


def rollback(stage: Stage) -> None:
    """Prod's readers miss the early arrivals: prod goes back to the previous release."""
    stage.type('scripts/rollback.py prod --reason "readers compare with the airlines\' own means" --yes')


def prod_runs(stage: Stage) -> None:
    """Prod runs the week as well."""
    stage.type(f"scripts/run.py prod -p flights_daily -p carrier_scorecard --days {_WEEK} --quiet")


def what_runs_where(stage: Stage) -> None:
    """What runs where now."""
    stage.type("scripts/status.py")


STEPS = (
    first_release,
    dev_runs,
    on_to_prod,
    change,
    partial_promotion,
    both_pipelines,
    broken_change,
    rollback,
    prod_runs,
    what_runs_where,
)


def _edit(stage: Stage, old: str, new: str, message: str) -> None:
    stage.replace(_SHARED, old, new)
    stage.type("git diff --unified=0")
    stage.type(f'git commit --quiet --all --message "{message}"')
    stage.type("git push --quiet")
