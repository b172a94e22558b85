"""How long a trouble must last until an installation is given up."""

from __future__ import annotations

import pytest

from promotion.cluster.troubles import Trouble
from promotion.deploying.watch import OLD_PATIENCE, PATIENCE, Watch

SOON = PATIENCE / 2
IMAGE = Trouble("Pod", "mage-dev-web-1", "uid-1", "the image cannot be pulled")
NODE = Trouble("Pod", "mage-dev-web-2", "uid-2", "no node takes it", may_heal=True)


class Clock:
    """The seconds that have passed, as a test says."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the watch."""
    clock = Clock()
    monkeypatch.setattr("promotion.deploying.watch.time.monotonic", clock)
    return clock


def after(clock: Clock, watching: Watch, seconds: float, *found: Trouble) -> Trouble | None:
    """Look at `found` now and in the middle of `seconds`; return what is given up at their end."""
    for _ in range(2):
        assert watching.look(found) is None
        clock.now += seconds / 2
    return watching.look(found)


def test_a_trouble_is_told_once(clock: Clock, capfd: pytest.CaptureFixture[str]) -> None:
    after(clock, Watch(), SOON, IMAGE)
    assert capfd.readouterr().err == "  Pod mage-dev-web-1: the image cannot be pulled\n"


def test_a_short_trouble_is_nothing(clock: Clock) -> None:
    assert after(clock, Watch(), SOON, IMAGE) is None


def test_a_trouble_that_lasts_is_the_end(clock: Clock) -> None:
    assert after(clock, Watch(), PATIENCE, NODE, IMAGE) == IMAGE


def test_what_may_heal_is_waited_for(clock: Clock) -> None:
    assert after(clock, Watch(), 10 * PATIENCE, NODE) is None


def test_a_trouble_with_a_short_break_goes_on(clock: Clock) -> None:
    watching = Watch()
    assert after(clock, watching, SOON, IMAGE) is None
    assert watching.look([]) is None
    clock.now += SOON
    assert watching.look([IMAGE]) == IMAGE


def test_a_trouble_that_comes_back_after_a_while_is_a_new_one(clock: Clock) -> None:
    watching = Watch()
    assert after(clock, watching, SOON, IMAGE) is None
    clock.now += PATIENCE
    assert watching.look([IMAGE]) is None


def test_what_was_wrong_before_gets_time_to_be_replaced(clock: Clock) -> None:
    watching, steps = Watch({IMAGE.uid}), round(OLD_PATIENCE / SOON)
    given_up = []
    for _ in range(steps + 1):
        given_up.append(watching.look([IMAGE]))
        clock.now += SOON
    assert given_up == [None] * steps + [IMAGE]


def test_the_cause_of_a_failure_is_what_is_wrong_since_the_start() -> None:
    assert Watch().cause([IMAGE], "helm failed") == str(IMAGE)
    assert Watch().cause([], "helm failed") == "helm failed"
    assert Watch({IMAGE.uid}).cause([IMAGE], "helm failed") == f"helm failed ({IMAGE})"
