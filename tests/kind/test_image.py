"""What `image.py build` leaves in Docker, first of a tiny image without a base, then of ours."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers import (
    PROJECT,
    Result,
    command,
    commit,
    example_checkout,
    git,
    make_clone,
    run_at_most,
    run_command,
    run_script,
    write,
)
from kind.cluster import one_at_a_time
from kind.docker import docker, files_of, why_no_docker
from mage.projects import Block
from mage.projects import write_project as write_mage_project

NAME = f"image-test-{os.getpid()}"
DOCKERFILE = f"FROM scratch\nARG WITH_R\nCOPY {PROJECT} /{PROJECT}\n"
RUN_AS_IN_A_POD = ("--rm", "--read-only", "--tmpfs", "/tmp", "--network", "none", "--env", "HOME=/tmp/home")

pytestmark = [
    pytest.mark.skipif(why_no_docker() is not None, reason=why_no_docker() or ""),
    pytest.mark.timeout(1500),  # the first build of our image installs every package
]


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """A clone whose image holds the project alone."""
    made = make_clone(tmp_path)
    write(made, {"Dockerfile": DOCKERFILE, "requirements.txt": "mage-ai==1.2.3\n"})
    commit(made)
    yield made
    for image in docker("image", "ls", "--quiet", NAME).split():
        docker("image", "rm", "--force", image)


def build(clone: Path, *options: str) -> dict[str, object]:
    result = run_at_most(300, command("image", "build", "--repository", NAME, "--json", *options), clone)
    assert result.exit_code == 0, result.stderr
    image = result.document["image"]
    assert isinstance(image, dict)
    return image


def refusal(clone: Path, *options: str) -> dict[str, str]:
    result = run_script(clone, "image", "build", "--json", *options)
    assert result.exit_code == 1
    error = result.document["error"]
    assert isinstance(error, dict)
    return error


def labels(reference: object) -> dict[str, str]:
    found = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", str(reference)))
    assert isinstance(found, dict)
    return found


def test_stdout_is_the_reference_alone(clone: Path) -> None:
    result = run_script(clone, "image", "build", "--repository", NAME)
    assert (
        docker("image", "inspect", "--format", "{{index .RepoTags 0}}", result.stdout.strip()) + "\n"
        == result.stdout
    )


def test_an_image_that_is_there_is_not_built_again(clone: Path) -> None:
    assert [build(clone)["built"], build(clone)["built"]] == [True, False]


def test_another_source_is_another_image(clone: Path) -> None:
    before = build(clone)["reference"]
    write(clone, {f"{PROJECT}/utils/money.py": "x = 1\n"})
    assert build(clone)["reference"] != before


def test_an_image_built_with_other_arguments_does_not_stand_for_this_one(clone: Path) -> None:
    assert [build(clone)["built"], build(clone, "--without-r")["built"]] == [True, True]


def test_the_image_holds_what_git_knows_and_nothing_else(clone: Path) -> None:
    write(clone, {f"{PROJECT}/stray.py": "x = 1\n", f"{PROJECT}/noise.log": "x\n"})
    inside = {path for path, file in files_of(str(build(clone)["reference"])).items() if file.isfile()}
    known = set(git(clone, "ls-files", PROJECT).splitlines())
    assert {path for path in inside if path.startswith(PROJECT)} == known


def test_every_user_can_read_the_project_whatever_the_umask_was(clone: Path) -> None:
    words = ["sh", "-c", 'umask 077; exec "$@"', "sh", *command("image", "build", "--repository", NAME)]
    built: Result = run_command(words, clone)
    files = files_of(built.stdout.strip())
    closed = [path for path, file in files.items() if path.startswith(PROJECT) and file.mode & 0o444 != 0o444]
    assert not closed


def test_the_labels_say_what_is_inside(clone: Path) -> None:
    image = labels(build(clone)["reference"])
    assert image["org.opencontainers.image.version"] == "1.2.3"
    assert image["org.opencontainers.image.revision"].startswith("sha256:")


def test_a_build_that_fails_says_its_last_lines(clone: Path) -> None:
    write(clone, {"Dockerfile": "FROM scratch\nCOPY not-there /\n"})
    error = refusal(clone, "--repository", NAME)
    assert error["code"] == "image-not-built"
    assert "not-there" in error["message"]


def test_a_registry_that_does_not_answer_is_named(clone: Path) -> None:
    error = refusal(clone, "--repository", f"localhost:1/{NAME}", "--push")
    assert error["code"] == "registry-unreachable"
    assert "localhost:1" in error["message"]


@pytest.mark.skipif(shutil.which("kind") is None, reason="there is no kind: https://kind.sigs.k8s.io")
def test_a_cluster_that_does_not_exist_is_named(clone: Path) -> None:
    error = refusal(clone, "--repository", NAME, "--load", "no-such-cluster")
    assert error["code"] == "image-not-loaded"
    assert "no-such-cluster" in error["message"]


# Ours


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this repository's files, to be changed."""
    if not docker("image", "ls", "--quiet", "python:3.11-slim-bookworm"):
        pytest.skip("the base image is not here: docker pull python:3.11-slim-bookworm")
    folder = tmp_path_factory.mktemp("checkout")
    return example_checkout(folder)


@pytest.fixture(scope="module")
def image(checkout: Path) -> str:
    """The image of this checkout; two builds at once would leave Docker two copies of each layer."""
    with one_at_a_time("build"):
        built = subprocess.run(
            command("image", "build"), cwd=checkout, capture_output=True, text=True, check=False
        )
    assert built.returncode == 0, built.stderr
    return built.stdout.strip()


def test_a_changed_pipeline_makes_one_new_layer_of_less_than_a_megabyte(checkout: Path, image: str) -> None:
    write(checkout, {f"{PROJECT}/data_loaders/changed.py": f"x = {time.time()}\n"})
    git(checkout, "add", "--all")
    changed = build(checkout)["reference"]
    before, after = (json.loads(docker("image", "inspect", str(name)))[0] for name in (image, changed))
    shared = [a == b for a, b in zip(before["RootFS"]["Layers"], after["RootFS"]["Layers"], strict=True)]
    history = docker("history", "--human=false", "--format", "{{.Size}}", str(changed)).splitlines()
    docker("image", "rm", str(changed))
    assert shared == [True] * (len(shared) - 1) + [False]
    assert next(int(size) for size in history if int(size)) < 1_000_000


def test_python_and_r_run_on_a_read_only_file_system_as_nobody_special(image: str, tmp_path: Path) -> None:
    load = (
        "@data_loader\ndef load(*args, **kwargs):\n    import pandas\n    return pandas.DataFrame({'n': [1, 2]})\n"
    )
    double = "transform <- function(df_1, ...) {\n  df_1$n <- df_1$n * 21\n  df_1\n}\n"
    check = "@data_exporter\ndef check(data, *args, **kwargs):\n    print('SUM', data['n'].sum())\n"
    blocks = [
        Block("load", load, type="data_loader"),
        Block("double", double, ["load"], language="r"),
        Block("check", check, ["double"], type="data_exporter"),
    ]
    project = write_mage_project(tmp_path, {"python_and_r": blocks})
    (project / ".ssh_tunnel").mkdir()
    (project / ".ssh_tunnel" / "aws_emr.json").write_text("{}")
    mount = ("--volume", f"{project}:/project:ro", "--env", "MAGE_DATA_DIR=/tmp/data")
    said = docker("run", *RUN_AS_IN_A_POD, *mount, image, "mage", "run", "/project", "python_and_r")
    assert "SUM 63" in said


def test_the_image_runs_as_no_root_and_holds_no_compiler(image: str) -> None:
    look = "id -u; for name in gcc cc make pip; do ls /opt/mage/bin/$name /usr/bin/$name; done 2>/dev/null; true"
    assert docker("run", *RUN_AS_IN_A_POD, image, "sh", "-c", look) == "10001"


def test_every_module_that_mage_loads_is_compiled(image: str) -> None:
    program = (
        "import pathlib, sys, mage_ai.server.server\n"
        "loaded = [m.__spec__ for m in list(sys.modules.values()) if getattr(m, '__spec__', None)]\n"
        "cached = [s.cached for s in loaded if s.cached and s.origin.startswith('/opt/mage')]\n"
        "print('missing', [path for path in cached if not pathlib.Path(path).exists()], len(cached) > 1000)"
    )
    assert "missing [] True" in docker("run", *RUN_AS_IN_A_POD, image, "python3", "-c", program)
