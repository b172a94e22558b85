"""`verify.py`: every static gate on a folder, or every digest of an environment derived again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from promotion.changes import platform_digest
from promotion.environment import FOLDER as ENVIRONMENTS
from promotion.environment import environment_names, load_environment, source_findings
from promotion.errors import Finding, GateRefused, UsageError
from promotion.gates import static_findings
from promotion.git import Repository
from promotion.plan import PLATFORM_AND_PROJECT
from promotion.process import CommandError, run
from promotion.project import FOLDER, Project
from promotion.release import Release, branch_of, image_tag, releases
from promotion.report import Report
from promotion.sides import main_side
from promotion.story import Story
from promotion.tree import Tree, tree_of_folder


def verify(what: Path | str, *, report: Report, story: Story) -> int:
    """Verify the folder `what` or the environment of that name; raise `GateRefused` with all that is wrong."""
    if isinstance(what, Path):
        return _verify_folder(what.resolve(), report, story)
    with Repository.find(Path.cwd()) as repository:
        return _verify_environment(repository, what, report, story)


def _verify_folder(folder: Path, report: Report, story: Story) -> int:
    from promotion.mage_gate import mage_findings

    tree = _read_folder(folder).under(*PLATFORM_AND_PROJECT, ENVIRONMENTS)
    project = Project(tree)
    names = environment_names(tree)
    if not project.pipelines or not names:
        missing = f"{FOLDER}/pipelines" if not project.pipelines else ENVIRONMENTS
        raise UsageError("not-a-project", f"{folder} has no {missing}/", fix="name the root of a clone")
    with story.step(f"static gate for {', '.join(names)}"):
        findings = {f for name in names for f in static_findings(project, load_environment(tree, name))}
        findings |= set(source_findings(tree))
    if not findings:
        with story.step("static gate: Mage loads every pipeline"):
            findings = set(mage_findings(folder / FOLDER, project.pipelines))
    _conclude(sorted(findings, key=lambda finding: (finding.path, finding.line or 0, finding.problem)))
    count = f"{len(project.pipelines)} pipelines, {len(names)} environments"
    report.result("verified", {"folder": str(folder), "pipelines": project.pipelines}, [(f"OK: {count}", "green")])
    return 0


def _read_folder(folder: Path) -> Tree:
    try:
        listing = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=folder)
    except CommandError as error:
        raise UsageError(
            "not-a-project", f"{folder} is not inside a git clone", fix="name a clone's root"
        ) from error
    return tree_of_folder(folder, {path for path in listing.decode(errors="surrogateescape").split("\0") if path})


def _verify_environment(repository: Repository, name: str, report: Report, story: Story) -> int:
    repository.fetch()
    load_environment(main_side(repository).tree, name)  # refuses an environment that does not exist
    history = releases(repository, name)
    findings: list[Finding] = []
    with story.step(f"derive every digest of {len(history)} releases"):
        for position, release in enumerate(reversed(history), start=1):
            place = f"{branch_of(name)} release {release.number} ({release.commit[:8]})"
            findings += _digest_findings(repository, release, place)
            findings += _chain_findings(repository, release, name, position, place)
    _conclude(findings)
    document = {"environment": name, "releases": len(history)}
    report.result("verified", document, [(f"OK: {len(history)} releases of {name}", "green")])
    return 0


def _digest_findings(repository: Repository, release: Release, place: str) -> Iterator[Finding]:
    """Derive again what the record says, and look for what it cannot say anything about."""
    fix = "somebody wrote to the branch by hand: roll back"
    project = Project(repository.tree(release.commit))
    own = project.tree.under(f"{ENVIRONMENTS}/{release.environment}")
    derived = {f"pipelines.{name}": project.digest(name) for name in project.pipelines}
    derived |= {"platform": platform_digest(project), "configuration": own.digest()}
    derived |= {"image.tag": image_tag(project.tree)}
    recorded = {f"pipelines.{name}": entry.digest for name, entry in release.pipelines.items()}
    recorded |= {"platform": release.platform, "configuration": release.configuration, "image.tag": release.image}
    for key in sorted({*derived, *recorded}):
        if derived.get(key) != recorded.get(key):
            problem = f"{key} is recorded as {recorded.get(key)} and derived as {derived.get(key)}"
            yield Finding(place, None, "digest-mismatch", problem, fix)
    for path in project.tree.under(ENVIRONMENTS).without(own):
        yield Finding(place, None, "unexpected-file", f"{path} belongs to another environment", fix)


def _chain_findings(
    repository: Repository, release: Release, name: str, position: int, place: str
) -> Iterator[Finding]:
    """The branch holds the releases of `name`, one commit each, numbered from 1."""
    rewritten = "somebody rewrote the branch: compare with a clone"
    if release.environment != name:
        problem = f"the record is one of {release.environment}"
        yield Finding(place, None, "chain-broken", problem, rewritten)
    if release.number != position:
        problem = f"the record says release {release.number}, but the commit is number {position} of the branch"
        yield Finding(place, None, "chain-broken", problem, rewritten)
    if len(repository.parents(release.commit)) > 1:
        yield Finding(place, None, "chain-broken", "the commit is a merge", "releases are appended, never merged")


def _conclude(findings: list[Finding]) -> None:
    if findings:
        count = f"{len(findings)} finding{'s' if len(findings) > 1 else ''}"
        raise GateRefused("verification-failed", count, fix="fix each and try again", findings=findings)
