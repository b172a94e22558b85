"""What files refer to that are neither Python nor R: configuration, SQL and shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import PROJECT, block, metadata_of, static_findings, tree_of, write, write_pipeline
from promotion.pipelines.project import Project

STREAM, RATES, CERTIFICATE = (
    f"{PROJECT}/{path}" for path in ("data_loaders/stream.yaml", "data/rates.csv", "certs/ca.pem")
)
MESSAGES = f"{PROJECT}/schemas/orders_pb2.py"


@pytest.fixture
def stream(sources: Path) -> Path:
    """A pipeline of one block in YAML, and files that it may name."""
    write(sources, dict.fromkeys([STREAM, RATES, CERTIFICATE, MESSAGES], ""))
    write_pipeline(sources, "stock", [block("stream", "data_loader") | {"language": "yaml"}], type="streaming")
    return sources


def closure(folder: Path, files: dict[str, str]) -> set[str]:
    """Return what the pipeline needs beside its folder and its block once `files` are written."""
    write(folder, files)
    return set(Project(tree_of(folder)).closure("stock").files) - {metadata_of("stock"), STREAM}


@pytest.mark.parametrize(
    "text",
    [
        "ssl_config:\n  cafile: certs/ca.pem\n",
        "ssl_config: {cafile: 'mage_project/certs/ca.pem'}  # ours\n",
        'ssl_config:\n  cafile: "/srv/release/mage_project/certs/ca.pem"\n',
        "files:\n- certs/ca.pem\n",
    ],
)
def test_a_file_that_a_block_in_yaml_names_is_part_of_the_closure(stream: Path, text: str) -> None:
    assert closure(stream, {STREAM: text}) == {CERTIFICATE}


@pytest.mark.parametrize("text", ["# cafile: certs/ca.pem\n", "cafile: certs/gone.pem\n", "topic: certs\n"])
def test_what_names_no_file_brings_nothing(stream: Path, text: str) -> None:
    assert closure(stream, {STREAM: text}) == set()


@pytest.mark.parametrize("name", ["mage_project.schemas.orders_pb2.Order", "schemas.orders_pb2.Order"])
def test_the_module_of_a_streams_messages_is_part_of_the_closure(stream: Path, name: str) -> None:
    text = f"serde_config:\n  serialization_method: PROTOBUF\n  schema_classpath: {name}\n"
    assert closure(stream, {STREAM: text}) == {MESSAGES}


def test_messages_whose_module_is_missing_are_refused(stream: Path) -> None:
    text = "serde_config:\n  schema_classpath: mage_project.schemas.gone_pb2.Order\n"
    (found,) = static_findings(stream, {STREAM: text})
    assert (found.code, found.path, found.line) == ("import-missing", STREAM, 2)


def test_a_file_that_a_variable_of_the_pipeline_names_is_part_of_the_closure(stream: Path) -> None:
    blocks = [block("stream", "data_loader") | {"language": "yaml"}]
    write_pipeline(stream, "stock", blocks, variables={"file": "data/rates.csv", "rows": 3})
    assert closure(stream, {}) == {RATES}


def test_a_file_that_sql_reads_is_part_of_the_closure(stream: Path) -> None:
    sql = f"{PROJECT}/data_loaders/load.sql"
    write_pipeline(stream, "stock", [block("load", "data_loader") | {"language": "sql"}])
    text = "-- not certs/ca.pem\nSELECT * FROM read_csv('data/rates.csv') WHERE name = 'x'\n"
    assert closure(stream, {sql: text}) == {sql, RATES}


def test_what_a_script_of_the_shell_names_is_part_of_the_closure(stream: Path) -> None:
    script, job = f"{PROJECT}/scripts/sort.sh", f"{PROJECT}/scripts/job.py"
    code = "import subprocess\nsubprocess.run(['sh', '/srv/release/mage_project/scripts/sort.sh', 'a'])\n"
    text = 'sort /srv/release/mage_project/data/rates.csv\npython3 "mage_project/scripts/job.py" $1\n'
    write_pipeline(stream, "stock", [block("run", "custom")])
    block_file = f"{PROJECT}/custom/run.py"
    assert closure(stream, {block_file: code, script: text, job: ""}) == {block_file, script, job, RATES}
