"""`release.yaml`: what a release is, where it came from and what proved it; also a Helm values overlay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import yaml

from promotion.errors import PromotionError
from promotion.git import ObjectMissing, Repository
from promotion.tree import Tree

FILE = "release.yaml"
FORMAT_VERSION = "1.0"
IMAGE_SOURCE = ("Dockerfile", ".dockerignore", "requirements.txt", "mage_project")  # and nothing else
PLATFORM, CONFIGURATION = "@platform", "@configuration"  # among pipelines, whose names have no @


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
class Released:
    """A pipeline in a release: its digest, where it came from and since which release it is here."""

    digest: str
    source: Endpoint
    since: int


@dataclass(frozen=True)
class Evidence:
    """A smoke verdict for one pipeline; `key` digests all that the verdict depends on."""

    key: str
    kind: str
    release: int  # the release that it was reached for
    runs: int
    seconds: float


@dataclass(frozen=True)
class Hold:
    """A digest that was rolled back: not to be promoted again without `--release-hold`."""

    pipeline: str  # or PLATFORM or CONFIGURATION
    digest: str
    release: int  # the release that was rolled back
    reason: str


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
    image: str
    smoke: Mapping[str, Evidence]
    gates: tuple[str, ...]
    by: str
    at: datetime
    reason: str = ""
    holds: tuple[Hold, ...] = ()
    commit: str = field(default="", compare=False)  # known only after the release was read from git

    @property
    def digests(self) -> dict[str, str]:
        """All that can be rolled back and put on hold: the pipelines, the platform and the configuration."""
        pipelines = {name: released.digest for name, released in self.pipelines.items()}
        return pipelines | {PLATFORM: self.platform, CONFIGURATION: self.configuration}

    def to_yaml(self) -> str:
        """Write the record; `image.tag` and `release` are what the chart reads of it."""
        record = {
            "format_version": FORMAT_VERSION,
            "number": self.number,
            "environment": self.environment,
            "action": self.action,
            "by": self.by,
            "at": self.at.isoformat(timespec="seconds"),
            "reason": self.reason,
            "source": asdict(self.source),
            "configuration": {"digest": self.configuration, "commit": self.configuration_commit},
            "platform": {"digest": self.platform},
            "pipelines": {name: asdict(released) for name, released in sorted(self.pipelines.items())},
            "gates": {
                "passed": list(self.gates),
                "smoke": {name: asdict(evidence) for name, evidence in sorted(self.smoke.items())},
            },
            "holds": [asdict(hold) for hold in self.holds],
        }
        overlay = {"image": {"tag": self.image}, "release": record}
        header = f"# Release {self.number} of {self.environment}: written by the promotion, never by hand.\n"
        return header + yaml.safe_dump(overlay, sort_keys=False, allow_unicode=True, width=110)

    @classmethod
    def from_yaml(cls, text: str, commit: str) -> Release:
        """Read what `to_yaml` wrote."""
        overlay = yaml.safe_load(text)
        return _parse(overlay["release"], overlay["image"]["tag"], commit)


def _parse(record: dict[str, Any], image: str, commit: str) -> Release:
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
        image=image,
        smoke={name: Evidence(**entry) for name, entry in record["gates"]["smoke"].items()},
        gates=tuple(record["gates"]["passed"]),
        by=record["by"],
        at=datetime.fromisoformat(record["at"]).astimezone(UTC),
        reason=record["reason"],
        holds=tuple(Hold(**hold) for hold in record["holds"]),
        commit=commit,
    )


def releases(repository: Repository, environment: str) -> list[Release]:
    """Return the releases of `environment`, newest first."""
    head = repository.head(branch_of(environment))
    if head is None:
        return []
    return [_read(repository, environment, commit) for commit in repository.history(head)]


def _read(repository: Repository, environment: str, commit: str) -> Release:
    try:
        return Release.from_yaml(repository.read(f"{commit}:{FILE}").decode(), commit)
    except (ObjectMissing, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise PromotionError(
            "release-unreadable",
            f"{FILE} of {branch_of(environment)} {commit[:8]} is no release record "
            f"({type(error).__name__}: {error})",
            fix=f"somebody wrote to the branch by hand: see `git log {branch_of(environment)}` on the remote, "
            "and have the last release pushed back",
        ) from error


def image_tag(tree: Tree) -> str:
    """Return the tag of the image built from `tree`: the digest of what goes into it."""
    return tree.under(*IMAGE_SOURCE).digest().replace("sha256:", "src-")[:20]
