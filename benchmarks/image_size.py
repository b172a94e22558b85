#!/usr/bin/env python3
"""Measure our image against a plain installation of the same packages on the same base, and what a change costs.

Needs Docker; prints Markdown. One run, with a base of 174 MB:

    plain `pip install`   1,530 MB
    ours without R        1,216 MB   0.795 of it; the promise is 0.8
    ours with R           1,345 MB   R adds 129 MB; the promise is 300
    a changed pipeline    rebuilt in 1.1 s, a layer of 50 kB

What is left is Mage and what it imports; pyarrow, polars, scipy, numpy, sqlglot and pandas are 0.5 GB of that.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts")]

from promotion.commands.image import tree_of_checkout  # noqa: E402
from promotion.image.build import Recipe, build  # noqa: E402
from promotion.record.release import IMAGE_SOURCE  # noqa: E402
from promotion.repository.tree import Tree, tree_of_folder  # noqa: E402

NAME = "image-size"
_PLAIN = "mage-ai==0.9.80 psycopg2-binary kubernetes==33.1.0 sshtunnel==0.4.0"
PLAIN = f"""\
ARG BASE_IMAGE=python:3.11-slim-bookworm
FROM ${{BASE_IMAGE}}
RUN python3 -m venv /opt/mage && /opt/mage/bin/pip install --no-cache-dir --disable-pip-version-check {_PLAIN}
"""
BASE = "".join(PLAIN.splitlines(keepends=True)[:2])
CHANGED = "mage_project/data_loaders/changed.py"
# Sizes in bytes by the name of what was installed, as the packages' own lists of files tell them.
_PACKAGES = """\
import importlib.metadata, json, pathlib, re
sizes, needed_by = {}, {}
for found in importlib.metadata.distributions():
    name = found.metadata["Name"].lower().replace("_", "-")
    paths = [pathlib.Path(found.locate_file(file)) for file in found.files or []]
    sizes[name] = sum(path.stat().st_size for path in paths if path.is_file() and not path.is_symlink())
    for line in found.requires or []:
        if "extra ==" not in line:
            needed_by.setdefault(re.split("[^A-Za-z0-9._-]", line)[0].lower(), []).append(name)
print(json.dumps([(name, size, sorted(set(needed_by.get(name, [])))) for name, size in sizes.items()]))
"""


def main() -> None:
    """Build all images and print the tables."""
    tree = tree_of_checkout(ROOT).under(*IMAGE_SOURCE)
    with_r, _ = _build("with-r", tree)
    without_r, _ = _build("without-r", tree, WITH_R="false")
    plain, _ = _build("plain", _tree({"Dockerfile": PLAIN.encode()}))
    change = _tree({**{path: tree.read(path) for path in tree}, CHANGED: f"x = {time.time()}\n".encode()})
    _, seconds = _build("changed", change, WITH_R="false")
    base, _ = _build("base", _tree({"Dockerfile": BASE.encode()}))
    print("| image | MB | of the plain one |\n| --- | ---: | ---: |")
    added = _last_layer(f"{NAME}:changed")
    sizes = {"base": base, "plain `pip install`": plain, "ours without R": without_r, "ours with R": with_r}
    for name, size in sizes.items():
        print(f"| {name} | {size / 1e6:,.0f} | {size / plain:.3f} |")
    print(f"\nR adds {(with_r - without_r) / 1e6:.0f} MB.")
    print(f"A changed pipeline: rebuilt in {seconds:.1f} s, a layer of {added / 1e3:,.0f} kB.\n")
    _print_packages(f"{NAME}:without-r")


def _tree(files: Mapping[str, bytes]) -> Tree:
    with tempfile.TemporaryDirectory() as folder:
        for path, content in files.items():
            file = Path(folder) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return tree_of_folder(Path(folder), files)


def _build(tag: str, tree: Tree, **arguments: str) -> tuple[int, float]:
    """Build an image; return its size in bytes and how long that took in seconds."""
    started = time.monotonic()
    build(Recipe(f"{NAME}:{tag}", tree, arguments, labels={}))
    return _size(f"{NAME}:{tag}"), time.monotonic() - started


def _docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout


def _size(image: str) -> int:
    return int(_docker("image", "inspect", "--format", "{{.Size}}", image))


def _last_layer(image: str) -> int:
    """Return the bytes of the newest layer that holds files."""
    sizes = _docker("history", "--human=false", "--format", "{{.Size}}", image).split()
    return next(int(size) for size in sizes if int(size))


def _print_packages(image: str) -> None:
    packages = json.loads(_docker("run", "--rm", "--network", "none", image, "python3", "-c", _PACKAGES))
    print("| package | MB | needed by |\n| --- | ---: | --- |")
    asked_for = (ROOT / "pyproject.toml").read_text()
    for name, size, needed_by in sorted(packages, key=lambda entry: -entry[1])[:15]:
        ours = ["pyproject.toml"] if f'"{name}==' in asked_for or f'"{name}>=' in asked_for else []
        print(f"| {name} | {size / 1e6:.0f} | {', '.join([*ours, *needed_by]) or 'an extra'} |")


if __name__ == "__main__":
    main()
