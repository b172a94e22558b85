"""The text for a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from promotion.record.release import FILE, branch_of
from promotion.releasing.pull_request import PullRequest
from promotion.releasing.record import title
from promotion.showing.markdown import code, code_block
from promotion.showing.markdown import document as markdown
from promotion.showing.plan_markdown import plan_markdown
from promotion.showing.result import Lines, Shown


def shown_pull_request(request: PullRequest) -> Shown:
    """Return `request` as the result of a command, with the title and the text of the pull request."""
    heading, body = title(request.plan.draft), markdown(_body(request))
    document = {
        "branch": request.branch,
        "base": request.base,
        "commit": request.release.commit,
        "replaces": request.replaces,
        "title": heading,
        "body": body,
    }
    return Shown("pull_request", document, _lines(request, heading, body))


def _lines(request: PullRequest, heading: str, body: str) -> Lines:
    release = request.release
    replaced = f", replacing {request.replaces[:8]}" if request.replaces else ""
    pushed = f"Pushed {request.branch} ({release.commit[:8]}){replaced}"
    return [
        (f"{pushed}: open a pull request to {request.base}", "bold green"),
        (f"After the merge: scripts/promote.py finalize {release.environment}", ""),
        ("", ""),
        (heading, "bold"),
        ("", ""),
        (body.removesuffix("\n"), ""),
    ]


def _body(request: PullRequest) -> Iterator[str]:
    release = request.release
    base = code(branch_of(release.environment))
    yield plan_markdown(request.plan).rstrip("\n")
    yield "### Release"
    if release.reason:
        yield code_block(release.reason)
    yield f"Made by {code(release.by)}. Every gate that was due has passed; {code(FILE)} has the evidence."
    if release.number == 1:
        yield f"{base} does not exist yet: create it at the head of this branch."
    if request.plan.request.environment.policy.signed:
        yield "Merge it by a merge commit or a fast-forward: a squash or a rebase loses the signature."
    finalize = code(f"scripts/promote.py finalize {release.environment}")
    yield f"Merge it unchanged, before {base} gets another release. Then {finalize} checks the result."
