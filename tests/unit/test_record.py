"""The record of a release: what is written is what is read, a line for each pipeline."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import PROJECT, git, head, promote, push, released_text, remote_of, write
from promotion.record.release import FORMAT_VERSION, Endpoint, Evidence, Image, Release, Released

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
LONG = st.text(st.sampled_from("aé\u2028😀"), min_size=60, max_size=85)  # as long as file systems let names be
SOURCES = st.builds(Endpoint, NAMES, st.none() | st.integers(1), st.none() | NAMES)
PIPELINES = st.dictionaries(NAMES | LONG, st.builds(Released, NAMES, SOURCES, st.integers(1)), max_size=3)
EVIDENCE = st.builds(
    Evidence,
    NAMES,
    NAMES,
    st.integers(1),
    st.integers(1),
    st.integers(0, 9999).map(lambda tenths: tenths / 10),
    NAMES,
)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    pipelines=PIPELINES,
    smoke=st.dictionaries(NAMES | LONG, EVIDENCE, max_size=3),
    source=SOURCES,
    image=st.builds(Image, NAMES, st.just("") | NAMES, st.just("") | NAMES),
    by=NAMES,
    reason=NAMES,
)
def test_what_is_written_is_what_is_read(
    pipelines: dict[str, Released],
    smoke: dict[str, Evidence],
    source: Endpoint,
    image: Image,
    by: str,
    reason: str,
) -> None:
    release = Release(
        number=1,
        environment="dev",
        action="promotion",
        source=source,
        pipelines=pipelines,
        platform="sha256:1",
        configuration="sha256:2",
        configuration_commit="3",
        image=image,
        smoke=smoke,
        gates=("static",),
        by=by,
        at=datetime(2026, 11, 28, tzinfo=UTC),
        reason=f"{reason}\n\n {reason}",
    )
    text = release.to_yaml()
    assert Release.from_yaml(text, "") == release
    assert yaml.safe_load(text)["release"]["pipelines"].keys() == pipelines.keys()  # without libyaml, too


def test_an_older_record_with_a_tag_alone_is_read(promoted_to_dev: Path) -> None:
    text = released_text(promoted_to_dev, "dev", "release.yaml")
    older = text.replace(f"format_version: '{FORMAT_VERSION}'", "format_version: '1.4'")
    assert older != text
    assert Release.from_yaml(older, "").image == Image(yaml.safe_load(text)["image"]["tag"])


def test_a_change_of_one_pipeline_is_a_change_of_its_line(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {f"{PROJECT}/data_loaders/load_stock.py": "newer = 1\n"})
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev")
    at = head(promoted_to_dev, "env/dev")
    changed = git(
        remote_of(promoted_to_dev), "diff", "--unified=0", f"{at}~1", at, "--", "release.yaml"
    ).splitlines()
    assert [line.split('"')[1] for line in changed if line.startswith('+    "')] == ["stock"]
