"""What to open a pull request with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from promotion.record.release import FILE, branch_of
from promotion.releasing.pull_request import PullRequest
from promotion.releasing.record import title
from promotion.showing.markdown import code, code_block, document
from promotion.showing.plan_markdown import plan_markdown


def pull_request_document(request: PullRequest) -> dict[str, str | None]:
    """Return `request` as JSON, with the title and the text of the pull request."""
    return {
        "branch": request.branch,
        "base": request.base,
        "commit": request.release.commit,
        "replaces": request.replaces,
        "title": title(request.plan.draft),
        "body": document(_body(request)),
    }


def pull_request_lines(shown: Mapping[str, str | None]) -> list[tuple[str, str]]:
    """Return the lines that say what `pull_request_document` does."""
    environment = str(shown["base"]).split("/")[1]
    replaced = f", in the place of {shown['replaces'][:8]}" if shown["replaces"] else ""
    commit = str(shown["commit"])[:8]
    return [
        (f"Pushed {shown['branch']} ({commit}){replaced}: open a pull request to {shown['base']}", "bold green"),
        (f"After the merge: scripts/promote.py finalize {environment}", ""),
        ("", ""),
        (str(shown["title"]), "bold"),
        ("", ""),
        (str(shown["body"]).removesuffix("\n"), ""),
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
    yield f"Merge it as it is, before {base} gets another release. Then {finalize} checks what came of it."
