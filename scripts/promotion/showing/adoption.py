"""The plan of an adoption, and what is left to a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from basics.errors import Finding
from basics.wording import counted, few
from promotion.adopting.plan import Adoption
from promotion.layout import EXAMPLE, PACKAGES, PROJECT
from promotion.pipelines.requirements import LOCK
from promotion.showing.findings import finding_document, finding_lines
from promotion.showing.result import Lines
from promotion.showing.steps import steps_after

_OF_THE_LOCK = {"package-missing", "package-not-locked", "packages-conflict"}


@dataclass(frozen=True)
class ShownAdoption:
    """What an adoption would do."""

    adoption: Adoption
    findings: Sequence[Finding] = ()
    exit_code: int = 0
    key: ClassVar[str] = "adoption"
    markdown: ClassVar[str | None] = None

    @property
    def document(self) -> dict[str, Any]:
        """The plan for programs."""
        adoption = self.adoption
        return {
            "name": adoption.source.name,
            "branch": adoption.branch,
            "files": len(adoption.source.files),
            "own_name": adoption.own_name,
            "packages": [package.name for package in adoption.packages],
            "joining": adoption.joining,
            "changes": [asdict(change) for change in adoption.changes],
            "left": [asdict(left) for left in adoption.left],
            "secrets": {
                name: {secret: list(keys) for secret, keys in each.items()}
                for name, each in adoption.secrets.items()
            },
            "secrets_of_mage": list(adoption.secrets_of_mage),
            "findings": [finding_document(finding) for finding in self.findings],
            "changed": adoption.before.differences(adoption.tree),
        }

    @property
    def lines(self) -> Lines:
        """The plan for people."""
        if self.adoption.is_empty:
            return [(f"Nothing to do: {PROJECT}/ is {self.adoption.source.name} already.", "green")]
        lines = list(_lines(self.adoption))
        if self.findings:
            lines.append((f"Left to you: {counted(len(self.findings), 'finding')} of the static gate", "bold"))
        return [*lines, *finding_lines(self.findings, everything=False)]


def _lines(adoption: Adoption) -> Iterator[tuple[str, str]]:
    source = adoption.source
    yield f"Adopt the Mage project {source.name}", "bold"
    yield "Comes", "bold"
    yield f"  + {PROJECT}/  {counted(len(source.files), 'file')}", "green"
    if adoption.own_name:
        yield f"  + {PACKAGES}/{adoption.own_name}  a link to {PROJECT}/: files of the project name it so", "green"
    for package in adoption.packages:
        told = f"{counted(len(package.files), 'file')}; {package.imported_by} imports it"
        yield f"  + {PACKAGES}/{package.name}  {told}", "green"
    if adoption.joining:
        yield f"  + {LOCK}  make lock adds {few(adoption.joining)}", "green"
    if adoption.changes:
        yield "Changes", "bold"
    for change in adoption.changes:
        yield f"  ~ {change.path}  {change.what}", "yellow"
    yield "Makes room", "bold"
    yield f"  the example goes to {EXAMPLE}/: make demo and the tests of the tool run on it there", ""
    if adoption.left:
        yield "Stays behind", "bold"
    for why in dict.fromkeys(left.why for left in adoption.left):
        yield f"  - {few([left.path for left in adoption.left if left.why == why])}  {why}", ""


def next_steps(adoption: Adoption, findings: Sequence[Finding]) -> Lines:
    """Return what a person does with the branch, in order."""
    steps = [f"git merge --ff-only {adoption.branch}", *_mends(adoption, findings), "scripts/verify.py"]
    if findings:
        steps.append("git commit --all")
    steps += ["git push origin HEAD:main", "scripts/promote.py main dev"]
    return steps_after(
        f"The branch {adoption.branch} has the project. What is checked out has not changed.", steps
    )


def _mends(adoption: Adoption, findings: Sequence[Finding]) -> Iterator[str]:
    if rest := [finding for finding in findings if finding.code != "package-not-locked"]:
        yield f"mend the {counted(len(rest), 'finding')} above"
    if any(finding.code in _OF_THE_LOCK for finding in findings):
        yield "make lock && make .venv/installed"
    for environment, secrets in adoption.secrets.items():
        for secret, keys in secrets.items():
            values = " ".join(f"--from-literal={key}=…" for key in keys)
            yield f"kubectl --namespace mage-{environment} create secret generic {secret} {values}"
