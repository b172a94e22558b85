"""What a person does next, in order."""

from __future__ import annotations

from collections.abc import Iterable

from promotion.showing.result import Lines


def steps_after(done: str, steps: Iterable[str]) -> Lines:
    """Return what is `done`, and the numbered `steps` that are left to a person."""
    return [(done, "bold green"), *((f"  {number}. {step}", "") for number, step in enumerate(steps, 1))]
