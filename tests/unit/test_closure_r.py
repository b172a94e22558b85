"""What R code refers to: the files that it sources and reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import PROJECT, block, metadata_of, static_findings, tree_of, write, write_pipeline
from promotion.pipelines.project import Project

BLOCK = f"{PROJECT}/transformers/score.r"
DEEP, DEEPER, RATES = f"{PROJECT}/r/deep.R", f"{PROJECT}/r/deeper.r", f"{PROJECT}/data/rates.csv"
FILES = {DEEP: "x <- 1\n", DEEPER: "", RATES: "a\n", f"{PROJECT}/data/unused.csv": "a\n"}


@pytest.fixture
def scores(sources: Path) -> Path:
    """A pipeline of one block in R."""
    write(sources, FILES)
    write_pipeline(sources, "stock", [block("score", "transformer", language="r") | {"language": "r"}])
    return sources


def closure(folder: Path, code: str) -> set[str]:
    write(folder, {BLOCK: code})
    return set(Project(tree_of(folder)).closure("stock").files) - {BLOCK, metadata_of("stock")}


def unresolved(folder: Path, code: str) -> list[int | None]:
    found = static_findings(folder, {BLOCK: code})
    assert {finding.code for finding in found} <= {"unresolved"}, found
    return [finding.line for finding in found]


@pytest.mark.parametrize(
    "code",
    [
        "source('r/deep.R')",
        'source("mage_project/r/deep.R", local = TRUE)',
        "source(file = '/srv/release/mage_project/r/deep.R')",
        "sys.source('r/deep.R', envir = globalenv())",
        "source(file.path(Sys.getenv('MAGE_REPO_PATH'), 'r', 'deep.R'))",
        "source(paste0(Sys.getenv('MAGE_REPO_PATH'), '/r/', 'deep.R'))",
        "root <- Sys.getenv(\"MAGE_REPO_PATH\")\nsource(file.path(root, 'r/deep.R'))  # a ) and a '",
        "name = 'r/deep.R'\ntransform <- function(df) {\n  source(name)\n}",
    ],
)
def test_a_sourced_file_is_part_of_the_closure(scores: Path, code: str) -> None:
    assert closure(scores, code) == {DEEP}
    assert unresolved(scores, code) == []


def test_a_file_that_a_sourced_file_sources_is_followed(scores: Path) -> None:
    write(scores, {DEEP: "source('r/deeper.r')\n"})
    assert closure(scores, "source('r/deep.R')") == {DEEP, DEEPER}


@pytest.mark.parametrize(
    "code",
    [
        "read.csv('data/rates.csv')",
        "readr::read_csv(file.path(Sys.getenv('MAGE_REPO_PATH'), 'data', 'rates.csv'))",
        "path <- file.path(Sys.getenv('MAGE_REPO_PATH'), 'data/rates.csv')\nread.csv(path)",
        "data.table::fread(paste0('data/', 'rates.csv'))",
    ],
)
def test_a_file_that_is_read_is_part_of_the_closure(scores: Path, code: str) -> None:
    assert closure(scores, code) == {RATES}
    assert unresolved(scores, code) == []


@pytest.mark.parametrize(
    "code",
    [
        "x <- 1\nsource(name)",
        "x <- 1\nsource(paste0('r/', name))",
        "x <- 1\nread.csv(file.path(Sys.getenv('MAGE_REPO_PATH'), 'data', name))",
        "x <- 1\npath <- paste0(Sys.getenv('MAGE_REPO_PATH'), '/data/', name, '.csv')",
        "x <- 1\nread.csv(paste0('data/', name))",
    ],
)
def test_what_is_computed_is_unresolved(scores: Path, code: str) -> None:
    assert unresolved(scores, code) == [2]


@pytest.mark.parametrize(
    "code",
    [
        "# source('r/deep.R')",
        "source('https://example.com/r/deep.R')",
        "read.csv(url)",
        "read.csv(paste0('/tmp/', name))",
        "read.csv(paste0(Sys.getenv('MAGE_REPO_PATH'), '/out/', name))",
        "connection$source('r')\nresource(name)",
    ],
)
def test_what_cannot_be_a_file_of_the_project_passes(scores: Path, code: str) -> None:
    assert closure(scores, code) == set()
    assert unresolved(scores, code) == []


def test_what_is_declared_is_resolved(scores: Path) -> None:
    write(scores, {f"{PROJECT}/pipelines/stock/promotion.yaml": "files: {transformers/score.r: ['r/*']}\n"})
    assert unresolved(scores, "source(name)") == []
    assert {DEEP, DEEPER} < closure(scores, "source(name)")


def test_a_sourced_file_reads_variables_that_the_target_must_supply(scores: Path) -> None:
    found = static_findings(scores, {BLOCK: "source('r/deep.R')", DEEP: "Sys.getenv('NOBODYS')\n"})
    assert [(finding.code, finding.path) for finding in found] == [("name-not-supplied", DEEP)]
