"""Install a release, see that it works, and go back to the last one that did if it does not."""

from __future__ import annotations

from basics import progress
from basics.errors import Interrupted, PromotionError, Unhealthy
from basics.process import CommandError
from promotion.cluster.revisions import Revision, revisions
from promotion.cluster.target import Target
from promotion.deploying.chart_files import chart_files
from promotion.deploying.check import Running, check, compare
from promotion.deploying.helm import NotUp, run_helm
from promotion.deploying.plan import SETTING_BACK, Plan, installing

_MINUTES = 20  # for pods to come up, besides the time that running blocks get to end


def install(plan: Plan, *, keep: bool) -> Running:
    """Install what `plan` shows, and return it when it works.

    Otherwise go back, or stay for a look with `keep`, and raise `Unhealthy` with the reason and where it is now.
    """
    back = _last_that_worked(plan)
    try:
        _upgrade(plan)
        return check(plan)
    except NotUp as problem:
        raise _after(plan, problem, back, keep=keep) from None
    except KeyboardInterrupt:
        raise _interrupted(plan, back) from None


def _last_that_worked(plan: Plan) -> Revision | None:
    """Return the newest revision that worked and is another than the wanted one."""
    others = (revision for revision in revisions(plan.target) if revision.manifest != plan.wanted.manifest)
    return next((revision for revision in others if revision.worked), None)


def _upgrade(plan: Plan) -> None:
    target = plan.target
    with chart_files(plan.tree, target.environment) as files, progress.step(f"install {plan.what} as {target}"):
        creating = [] if _has_namespace(target) else ["--create-namespace"]
        run_helm(target, *installing(target, files), *creating, *_waiting(plan.wanted))


def _waiting(revision: Revision) -> list[str]:
    """Return the options for a wait that covers the longest time which a pod may take to stop."""
    pods = [each["spec"].get("template", {}).get("spec", {}) for each in revision.objects if "spec" in each]
    stopping = max((pod.get("terminationGracePeriodSeconds", 0) for pod in pods), default=0)
    return ["--wait", f"--timeout={_MINUTES * 60 + stopping}s"]


def _has_namespace(target: Target) -> bool:
    try:
        shown = target.cluster.kubectl("get", "namespace", target.cluster.name, "--ignore-not-found")
    except CommandError:  # who may not see namespaces cannot make one either
        return True
    return bool(shown.strip())


# The way back


def _after(plan: Plan, problem: NotUp, back: Revision | None, *, keep: bool) -> PromotionError:
    """Go back after `problem` if that is possible and wanted; return what to tell."""
    if keep:
        return _unhealthy(plan, problem, "it stays for a look")
    if back is None:
        return _unhealthy(plan, problem, "it stays: there is no earlier one to go back to")
    try:
        return _gone_back(plan, problem, back)
    except KeyboardInterrupt:
        return _interrupted(plan, back)


def _gone_back(plan: Plan, problem: NotUp, back: Revision) -> Unhealthy:
    """Go back to the revision `back`, and return what to tell."""
    target, name = plan.target, plan.target.environment
    try:
        with progress.step(f"go back to {back}"):
            run_helm(target, "rollback", target.release, str(back.number), *SETTING_BACK, *_waiting(back))
            compare(target, back)
    except NotUp as other:
        return _unhealthy(plan, problem, f"the way back to {back} failed as well: {other}")
    fix = f"mend it on main and promote, then scripts/deploy.py {name}"
    if back.release and back.release != plan.release.number:
        fix += f"; or let git say so, too: scripts/rollback.py {name} --to {back.release} --reason TEXT"
    return _unhealthy(plan, problem, f"{name} is back at {back}", fix)


def _unhealthy(plan: Plan, problem: NotUp, state: str, fix: str = "") -> Unhealthy:
    look = f"look at it: {' '.join(plan.target.cluster.command('get', 'pods,events'))}"
    return Unhealthy("not-healthy", f"{plan.what} does not work: {problem}\n{state}", fix=fix or look)


def _interrupted(plan: Plan, back: Revision | None) -> Interrupted:
    target = plan.target
    now = next(revisions(target), None)
    left = f"Helm says {now.status} of {now}" if now else "nothing is installed"
    fix = f"scripts/deploy.py {target.environment} goes on"
    if back:
        words = target.cluster.helm_command("rollback", target.release, str(back.number))
        fix += f"; back to {back}: {' '.join(words)}"
    return Interrupted(f"{target}: {left}", fix=fix)
