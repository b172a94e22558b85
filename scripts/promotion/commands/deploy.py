"""`deploy.py ENV`: the head of `env/<env>` in the environment's cluster, until it works or is taken back."""

from __future__ import annotations

from collections.abc import Iterator

from basics import progress
from basics.process import require
from promotion.changes.sides import main_side, released_side
from promotion.cluster.target import find_target
from promotion.commands.question import CHANGES_PLANNED, ask, refuse_without_terminal
from promotion.configuration.environment import load_environment
from promotion.deploying.check import Running, check
from promotion.deploying.helm import NotUp, require_helm
from promotion.deploying.install import install
from promotion.deploying.plan import Plan, plan_deployment
from promotion.layout import ENVIRONMENTS
from promotion.repository.git import Repository
from promotion.showing.deployment import ShownDeployment, shown_running
from promotion.showing.result import Result


def deploy(repository: Repository, name: str, context: str | None, *, mode: str, keep: bool) -> Iterator[Result]:
    """Install the current release of `name`; `mode` is ask, plan or yes.

    What is installed already is only looked at, if it works. A release that does not work is taken back, or stays
    for a look with `keep`.
    """
    require("kubectl")
    require_helm()
    plan = _plan(repository, name, context)
    refuse_without_terminal(mode)
    yield ShownDeployment(plan, exit_code=CHANGES_PLANNED if mode == "plan" and not plan.is_empty else 0)
    if mode == "plan":
        return
    running = _works_already(plan)
    if running is None:
        ask(mode, f"Install this as {plan.target}?", "nothing was installed")
        yield shown_running(install(plan, keep=keep), changed=True)
    else:
        yield shown_running(running, changed=False)


def _works_already(plan: Plan) -> Running | None:
    """Return what runs if it is the release of `plan` and works; say what is wrong with it otherwise."""
    if not plan.is_empty:
        return None
    try:
        return check(plan)
    except NotUp as problem:
        progress.say(f"what is installed does not work: {problem}", "yellow")
        return None


def _plan(repository: Repository, name: str, context: str | None) -> Plan:
    with progress.step(f"read {name}"):
        repository.fetch()
        environment = load_environment(main_side(repository, ENVIRONMENTS).tree, name)
        side = released_side(repository, name)
    target = find_target(environment, context)
    with progress.step(f"ask what would change: {target}"):
        return plan_deployment(target, side.releases[0], side.tree)
