"""`release.yaml`: what a release is, where it came from and what proved it; also a Helm values overlay."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property, partial
from typing import Any, overload

import yaml

from basics.errors import PromotionError
from basics.wording import few, short
from basics.yaml_file import LOADER
from basics.yaml_text import line_each, section
from promotion.layout import PACKAGES, PROJECT
from promotion.record.record_types import refuse_other_types
from promotion.repository.git import Repository
from promotion.repository.objects import ObjectMissing
from promotion.repository.tree import Tree
from promotion.version import VERSION

FILE = "release.yaml"
FORMAT_VERSION = "1.5"
IMAGE_SOURCE = (
    "Dockerfile",
    ".dockerignore",
    "requirements.txt",
    PROJECT,
    PACKAGES,
)  # what the image is built from
_DIGEST = "  digest: "  # the last key of `release`, which is the last key of the file
_RECORDS = "records"
PLATFORM, CONFIGURATION = "@platform", "@configuration"  # listed beside pipelines, whose names have no @


def branch_of(environment: str) -> str:
    """Return the branch that holds the releases of `environment`."""
    return f"env/{environment}"


@dataclass(frozen=True)
class Endpoint:
    """One end of a promotion: an environment (or `main`) at a commit; `main` has no release numbers."""

    environment: str
    release: int | None
    commit: str | None

    def __str__(self) -> str:
        if self.commit is None:
            return f"{self.environment} (no release yet)"
        number = f" release {self.release}" if self.release else ""
        return f"{self.environment}{number} ({self.commit[:8]})"


@dataclass(frozen=True)
class Image:
    """The image of a release: its tag and, if a registry has it, the digest there and the repository."""

    tag: str
    digest: str = ""
    repository: str = ""  # also empty where the environment's values name one

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}" if self.repository else self.tag


@dataclass(frozen=True)
class Released:
    """A pipeline in a release: its digest, where it came from, and the release since which it is here."""

    digest: str
    source: Endpoint
    since: int


@dataclass(frozen=True)
class Evidence:
    """The result of one pipeline's smoke test; `key` is the digest of everything that the result depends on."""

    key: str
    kind: str
    release: int  # the release that it was made for
    runs: int
    seconds: float
    by: str = ""  # who ran the test; older releases do not say


@dataclass(frozen=True)
class Hold:
    """A digest that was rolled back: it must not be promoted again without `--release-hold`."""

    pipeline: str  # or PLATFORM or CONFIGURATION
    digest: str
    release: int  # the release that was rolled back
    reason: str


@dataclass(frozen=True)
class Backfill:
    """The days `start` to `end`, whose data an older version of a pipeline wrote: open until it is closed."""

    pipeline: str
    digest: str  # of the version that should write them
    release: int  # the release that made the backfill necessary
    start: date
    end: date
    readers: tuple[str, ...] = ()  # the pipelines that read these data, and must run after it

    def __str__(self) -> str:
        then = f", then {few(self.readers)}" if self.readers else ""
        days = f"{self.start} to {self.end}"
        return f"{self.pipeline}: {days}, for {short(self.digest)} of release {self.release}{then}"

    def to_document(self) -> dict[str, Any]:
        """Return the backfill for YAML and JSON."""
        days = {"start": self.start.isoformat(), "end": self.end.isoformat()}
        return asdict(self) | days | {"readers": list(self.readers)}

    @classmethod
    def from_document(cls, entry: dict[str, Any]) -> Backfill:
        """Read what `to_document` returned."""
        days = {key: date.fromisoformat(entry[key]) for key in ("start", "end")}
        return cls(**entry | days | {"readers": tuple(entry["readers"])})


@dataclass(frozen=True)
class Emergency:
    """What `--emergency` made a release skip; the reason is that of the release."""

    skipped: tuple[str, ...]
    kind: str  # the kind of evidence that was required
    unproven: Mapping[str, str]  # pipeline → the key of the evidence that was missing


@dataclass(frozen=True)
class Entry:
    """One line of an environment's history: what a release brought, and why."""

    number: int
    action: str  # promotion | rollback
    source: Endpoint
    by: str
    at: datetime
    reason: str
    commit: str
    arrived: Mapping[str, str]  # the pipelines that came with it, each with its digest
    renamed: Mapping[str, str]  # new name → old name
    proven: tuple[Evidence, ...]  # for this release, not reused
    emergency: Emergency | None
    backfills: Mapping[str, Backfill]  # by pipeline


@dataclass(frozen=True)
class Release:
    """One release of one environment."""

    number: int
    environment: str
    action: str  # promotion | rollback
    source: Endpoint
    pipelines: Mapping[str, Released]
    platform: str
    configuration: str
    configuration_commit: str
    image: Image  # before 1.5 with its tag alone
    smoke: Mapping[str, Evidence]
    gates: tuple[str, ...]
    by: str
    at: datetime
    reason: str = ""
    holds: tuple[Hold, ...] = ()
    emergency: Emergency | None = None
    approved_by: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)  # new name → old name
    backfills: tuple[Backfill, ...] = ()  # open when the release was made
    folder: str = PROJECT  # of the project, as the chart takes it; before 1.4 it was always this
    made_with: str = VERSION  # the version of this project; before 1.3 it is not recorded
    commit: str = field(default="", compare=False)  # known once the release was read from git

    @cached_property
    def digests(self) -> dict[str, str]:
        """All that can be rolled back and put on hold: the pipelines, the platform and the configuration."""
        pipelines = {name: released.digest for name, released in self.pipelines.items()}
        return pipelines | {PLATFORM: self.platform, CONFIGURATION: self.configuration}

    def to_yaml(self) -> str:
        """Write the record; the chart reads `image`, `project.folder` and `release` from it."""
        about = {
            "format_version": FORMAT_VERSION,
            "made_with": self.made_with,
            "number": self.number,
            "environment": self.environment,
            "action": self.action,
            "by": self.by,
            "at": self.at.isoformat(timespec="seconds"),
            "reason": self.reason,
            "approved_by": list(self.approved_by),
            "source": asdict(self.source),
            "configuration": {"digest": self.configuration, "commit": self.configuration_commit},
            "platform": {"digest": self.platform},
        }
        left = {
            "holds": [asdict(hold) for hold in self.holds],
            "emergency": self.emergency and asdict(self.emergency) | {"skipped": list(self.emergency.skipped)},
            "renamed": dict(self.renamed),
            "backfills": [backfill.to_document() for backfill in self.backfills],
        }
        text = "".join(
            (
                f"# Release {self.number} of {self.environment}: written by the promotion, never by hand.\n",
                section({"image": {key: value for key, value in vars(self.image).items() if value}}),
                section({"project": {"folder": self.folder}}) if self.folder != PROJECT else "",
                "release:\n",
                section(about, 1),
                line_each("pipelines", {name: _written(each) for name, each in self.pipelines.items()}, 1),
                "  gates:\n",
                section({"passed": list(self.gates)}, 2),
                line_each("smoke", {name: vars(evidence) for name, evidence in self.smoke.items()}, 2),
                section(left, 1),
            )
        )
        return f"{text}{_DIGEST}{_digest(text)}\n"

    @classmethod
    def from_yaml(cls, text: str, commit: str) -> Release:
        """Read what `to_yaml` wrote."""
        overlay = yaml.load(text, Loader=LOADER)  # noqa: S506 (a safe one)
        return _parse(overlay, commit)


def _written(released: Released) -> dict[str, Any]:
    return vars(released) | {"source": dict(vars(released.source))}  # `asdict` takes ten times as long


def _parse(overlay: dict[str, Any], commit: str) -> Release:
    record = overlay["release"]
    if record["format_version"].split(".")[0] != FORMAT_VERSION.split(".")[0]:
        raise ValueError(f"format_version {record['format_version']}")
    return Release(
        number=record["number"],
        environment=record["environment"],
        action=record["action"],
        source=Endpoint(**record["source"]),
        pipelines={
            name: Released(entry["digest"], Endpoint(**entry["source"]), entry["since"])
            for name, entry in record["pipelines"].items()
        },
        platform=record["platform"]["digest"],
        configuration=record["configuration"]["digest"],
        configuration_commit=record["configuration"]["commit"],
        image=Image(**overlay["image"]),
        smoke={name: Evidence(**entry) for name, entry in record["gates"]["smoke"].items()},
        gates=tuple(record["gates"]["passed"]),
        by=record["by"],
        at=datetime.fromisoformat(record["at"]).astimezone(UTC),
        reason=record["reason"],
        holds=tuple(Hold(**hold) for hold in record["holds"]),
        emergency=_emergency(record.get("emergency")),  # since 1.1
        approved_by=tuple(record.get("approved_by", ())),  # since 1.2
        renamed=record.get("renamed", {}),  # since 1.2
        backfills=tuple(map(Backfill.from_document, record.get("backfills", []))),  # since 1.2
        folder=overlay.get("project", {}).get("folder", PROJECT),
        made_with=record.get("made_with", ""),  # since 1.3
        commit=commit,
    )


def has_digest(text: str) -> bool:
    """Tell whether the record `text` has its own digest: each has one since format 1.1."""
    return _DIGEST in text


def is_intact(text: str) -> bool:
    """Tell whether the record `text` ends with the digest of everything above it."""
    above, _, digest = text.rpartition(_DIGEST)
    return digest == f"{_digest(above)}\n"


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _emergency(entry: dict[str, Any] | None) -> Emergency | None:
    return Emergency(tuple(entry["skipped"]), entry["kind"], entry["unproven"]) if entry else None


class History(Sequence[Release]):
    """The releases of one environment, newest first; each is read when it is needed."""

    def __init__(self, repository: Repository, environment: str, commits: Sequence[str]) -> None:
        self._repository = repository
        self._environment = environment
        self._commits = commits
        self._read: dict[str, Release] = {}

    def __len__(self) -> int:
        return len(self._commits)

    @overload
    def __getitem__(self, index: int) -> Release: ...
    @overload
    def __getitem__(self, index: slice) -> list[Release]: ...
    def __getitem__(self, index: int | slice) -> Release | list[Release]:
        if isinstance(index, slice):
            return [self._release(commit) for commit in self._commits[index]]
        return self._release(self._commits[index])

    def at_position(self, position: int) -> Release:
        """Return the release at `position` on the branch; 1 is the oldest."""
        return self[len(self) - position]

    def _release(self, commit: str) -> Release:
        if commit not in self._read:
            read = partial(_read, self._repository, self._environment, commit)
            self._read[commit] = self._repository.memory.recall(_RECORDS, commit, read)
        return self._read[commit]

    def entries(self) -> Iterator[Entry]:
        """Yield what each release says about itself; it is remembered, so that no record is read again."""
        for commit in self._commits:
            yield self._repository.memory.recall("releases", commit, partial(self._entry, commit))

    def _entry(self, commit: str) -> Entry:
        release = self._release(commit)
        return Entry(
            number=release.number,
            action=release.action,
            source=release.source,
            by=release.by,
            at=release.at,
            reason=release.reason,
            commit=commit,
            arrived={
                name: entry.digest for name, entry in release.pipelines.items() if entry.since == release.number
            },
            renamed=release.renamed,
            proven=tuple(evidence for evidence in release.smoke.values() if evidence.release == release.number),
            emergency=release.emergency,
            backfills={backfill.pipeline: backfill for backfill in release.backfills},
        )


def releases(repository: Repository, environment: str) -> History:
    """Return the releases of `environment`, newest first."""
    head = repository.head(branch_of(environment))
    return History(repository, environment, repository.history(head) if head else [])


def remember(repository: Repository, release: Release) -> None:
    """Keep a new `release` in memory: parsing its record takes longer than the rest of a plan."""
    repository.memory.remember(_RECORDS, release.commit, release)


def _read(repository: Repository, environment: str, commit: str) -> Release:
    try:
        text = repository.read(f"{commit}:{FILE}").decode()
        release = Release.from_yaml(text, commit)
        if not is_intact(text):
            refuse_other_types(release)
        # A release from a pull request arrives with the merge, which its record cannot know.
        return _arrived(release, max(release.at, repository.header(commit).at))
    except (ObjectMissing, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise PromotionError(
            "release-unreadable",
            f"{FILE} of {branch_of(environment)} {commit[:8]} is not a release record "
            f"({type(error).__name__}: {error})",
            fix=f"the branch was changed by hand: see `git log {branch_of(environment)}` on the remote, "
            "and have the last release pushed back",
        ) from error


def _arrived(release: Release, at: datetime) -> Release:
    """Return `release` as it arrived `at` that moment: until then, the version before it wrote the data."""
    backfills = (
        replace(each, end=max(each.end, at.date())) if each.release == release.number else each
        for each in release.backfills
    )
    return replace(release, at=at, backfills=tuple(backfills))


def image_tag(tree: Tree) -> str:
    """Return the tag of the image built from `tree`: the digest of the files that go into it."""
    return tree.under(*IMAGE_SOURCE).digest().replace("sha256:", "src-")[:20]
