"""The one way to wait: look again until it is there or the time is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

_FIRST_PAUSE = 0.01  # most of what is waited for is there soon; what is not is looked for less and less often
_GROWTH = 1.5


class NotInTime(Exception):
    """It did not come; the message says what, how long it was waited for, and what was seen last (`seen`)."""

    def __init__(self, what: str, seconds: float, seen: object) -> None:
        shown = f"{type(seen).__name__}: {seen}" if isinstance(seen, Exception) else repr(seen)
        super().__init__(f"not within {seconds:g} s: {what}; seen last: {shown}")
        self.seen: Any = seen


def until(
    look: Callable[[], T],
    what: str,
    seconds: float = 30,
    *,
    enough: Callable[[T], object] = bool,
    retry: type[Exception] | tuple[type[Exception], ...] = (),
    on_change: Callable[[Any], None] | None = None,
    pause: float = 0.5,
) -> T:
    """Call `look`, at least once, until `enough` is true of what it returns, and return that.

    An error in `retry` is a thing seen, like a value that is not enough; any other ends the waiting. `on_change`
    gets each thing seen that reads unlike the one before. `pause` is the longest time between two looks, in
    seconds. Raises `NotInTime` after `seconds`.
    """
    end = time.monotonic() + seconds
    step, said = _FIRST_PAUSE, ""
    while True:
        seen: T | Exception
        try:
            seen = look()
            if enough(seen):
                return seen
        except retry as error:
            seen = error
        if (left := end - time.monotonic()) <= 0:
            raise NotInTime(what, seconds, seen) from (seen if isinstance(seen, Exception) else None)
        if on_change is not None and str(seen) != said:
            said = str(seen)
            on_change(seen)
        time.sleep(min(step, pause, left))
        step *= _GROWTH
