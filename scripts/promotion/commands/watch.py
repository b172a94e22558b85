"""`promote.py watch ENV`: how what a release changed runs in the cluster, for as long as the policy says."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from basics import progress
from basics.errors import PromotionError, Unhealthy, UsageError
from basics.kubectl import Namespace
from mage_pod.waiting import NotInTime, until
from promotion.changes.sides import main_side, released_side
from promotion.cluster.failing import Failing, failing, installed_at
from promotion.cluster.live import Live, read_live
from promotion.cluster.scheduler import Scheduler, find_scheduler
from promotion.cluster.state import read_state
from promotion.cluster.target import place_of
from promotion.commands.failure import Answer
from promotion.commands.question import refuse_without_terminal
from promotion.configuration.environment import Environment, load_environment
from promotion.configuration.people import answering
from promotion.configuration.policy import TELL
from promotion.layout import ENVIRONMENTS
from promotion.record.release import Release
from promotion.repository.git import Repository
from promotion.showing.result import Result
from promotion.showing.watched import Watched, shown_unwatched, shown_watched, told

_PAUSE = 10  # seconds between two looks: what the scheduler tells is about as old


def watch(
    repository: Repository, name: str, context: str | None, namespace: str | None, *, mode: str, once: bool = False
) -> Iterator[Result]:
    """Watch the current release of `name` until its watch is over; with `once` only judge what is there now.

    Without `context` and `namespace` they are those of the policy, or else the current context and the
    environment's name. Raises `Unhealthy` where a pipeline fails that the release changed, after the policy's
    answer to that: the `mode` ask asks for it, plan only shows it.
    """
    with progress.step(f"read {name}"):
        repository.fetch()
        side = released_side(repository, name)
        environment = load_environment(main_side(repository, ENVIRONMENTS).tree, name)
    refuse_unwatched(environment)
    if environment.policy.on_failure != TELL and mode != "plan":
        answering(repository, name, environment.policy)
        refuse_without_terminal(mode)
    watched = _Watch(environment, side.releases[0], place_of(environment, context, namespace))
    answer = Answer(repository, environment, side, mode)
    yield from _judge_now(watched, answer) if once else _watch_to_the_end(watched, answer)


def refuse_unwatched(environment: Environment) -> None:
    """Raise `UsageError` where the policy says nothing of a watch."""
    if not environment.policy.watch:
        path = f"{ENVIRONMENTS}/{environment.name}/policy.yaml"
        problem = f"{path} does not say how long a release of {environment.name} is watched"
        raise UsageError("no-watch", problem, fix="write on main, and push: watch: 2h")


def _judge_now(watch: _Watch, answer: Answer) -> Iterator[Result]:
    instead = watch.installed()
    if isinstance(instead, Live):
        read_state(watch.place)  # raises where the cluster does not answer
        why = f"not installed yet: {'; '.join(instead.problems)}; {watch.next_step}"
        yield shown_unwatched(watch.release, "waiting", why)
        return
    seen = watch.look()
    yield watch.shown(seen)
    new = _new(seen, ())
    if new:
        taken_back = yield from answer.give(new)
        raise answer.failure(new, watch.place, taken_back)


def _watch_to_the_end(watch: _Watch, answer: Answer) -> Iterator[Result]:
    watch.wait_for_installation()
    known: list[Failing] = []
    while True:
        seen = watch.wait_for_failure(known)
        yield watch.shown(seen)
        new = _new(seen, known)
        known += new
        taken_back = (yield from answer.give(new)) if new else []
        if taken_back or not new:
            break
    if known:
        raise answer.failure(known, watch.place, taken_back)


def _new(seen: Watched | int, known: Collection[Failing]) -> list[Failing]:
    """Return the versions that fail, and are not among the `known`."""
    names = {each.pipeline for each in known}
    found = seen.failing if isinstance(seen, Watched) else ()
    return [each for each in found if each.changed and each.pipeline not in names]


@dataclass(frozen=True)
class _Watch:
    """The watch of a release, and what was told of it on stderr."""

    environment: Environment
    release: Release
    place: Namespace
    said: set[str] = field(default_factory=set)

    @property
    def hours(self) -> timedelta:
        return timedelta(hours=self.environment.policy.watch)

    @property
    def next_step(self) -> str:
        return f"if no Argo CD or Flux installs it: scripts/deploy.py {self.environment.name}"

    def installed(self) -> Scheduler | Live:
        """Return the scheduler of the release, or of a later one; before, what the cluster has instead."""
        live = read_live(self.environment.name, self.place, self.release)
        if live.release is None or int(live.release) < self.release.number:
            return live
        return find_scheduler(self.environment.name, self.place)

    def look(self) -> Watched | int:
        """Return what is to see of the release; the number of the other release that runs instead of it."""
        scheduler = find_scheduler(self.environment.name, self.place)
        if scheduler.release != self.release.number:
            return scheduler.release
        status, now = scheduler.status(), datetime.now(UTC)
        end = installed_at(self.release, status, scheduler.started) + self.hours
        found = list(failing(self.release, status, scheduler.started, self.hours))
        return Watched(self.release, status, end, now, found)

    def wait_for_installation(self) -> None:
        """Wait at most as long as the watch is; tell meanwhile what stands in the way."""
        what = f"release {self.release.number} of {self.environment.name} in {self.place}"
        progress.say(f"wait for {what}; {self.next_step}")
        try:
            until(
                self.installed,
                what,
                self.hours.total_seconds(),
                enough=lambda seen: isinstance(seen, Scheduler),
                retry=PromotionError,
                on_change=self._tell,
                pause=_PAUSE,
            )
        except NotInTime as late:
            raise Unhealthy(
                "not-healthy",
                f"{what} did not come up: {'; '.join(_lines(late.seen)) or 'it is not ready'}",
                fix=f"scripts/status.py {self.environment.name} --live; {self.next_step}",
            ) from None

    def wait_for_failure(self, known: Collection[Failing]) -> Watched | int:
        """Return what is to see once the watch is over, or another pipeline than the `known` fails."""
        try:
            seen = until(
                self.look,
                "the end of the watch",
                self.hours.total_seconds(),
                enough=lambda seen: isinstance(seen, int) or seen.is_over or _new(seen, known),
                retry=PromotionError,
                on_change=self._tell,
                pause=_PAUSE,
            )
        except NotInTime as late:
            if isinstance(late.seen, Exception):
                raise late.seen from None
            seen = late.seen  # its scheduler started again, and no run had ended
        self._tell(seen)
        return seen

    def shown(self, seen: Watched | int) -> Result:
        """Return what was seen in the end; raise `Unhealthy` where the cluster went back."""
        if isinstance(seen, Watched):
            return shown_watched(seen)
        if seen > self.release.number:
            return shown_unwatched(self.release, "replaced", f"the cluster runs release {seen} now")
        problem = f"release {self.release.number} of {self.environment.name} is gone: release {seen} runs again"
        raise Unhealthy("not-healthy", problem, fix=f"scripts/deploy.py {self.environment.name} says why")

    def _tell(self, seen: Watched | int | Live | Scheduler | Exception) -> None:
        """Tell what was not told before."""
        for line in _lines(seen):
            if line not in self.said:
                self.said.add(line)
                progress.say(line, "" if isinstance(seen, Watched) else "yellow")


def _lines(seen: Watched | int | Live | Scheduler | Exception) -> list[str]:
    if isinstance(seen, Watched):
        return told(seen)
    if isinstance(seen, Live):
        return list(seen.problems)
    return [str(seen)] if isinstance(seen, Exception) else []
