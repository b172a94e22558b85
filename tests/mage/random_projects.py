"""Draw Mage projects in which every file that a pipeline needs adds words of its own to what a run prints.

A data file holds its own path. A module prints its path when it is loaded, and has a list of it and the words of
all that it refers to, which a block prints and hands on. So a run shows of each file whether it was there, and
whether it was the right one.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Template
from typing import Any, TypeVar

import yaml
from hypothesis import strategies as st

from basics.yaml_file import LOADER
from helpers import PROJECT, block, dumped
from mage.ways_to_refer import ALONE, BESIDE, BY_NAME, EXPORTED, READS, RELATIVE, Way

T = TypeVar("T")
_HEAD = """\
import glob, importlib, importlib.resources, os, runpy, sys
from os import path
from pathlib import Path

from mage_ai.settings.repo import get_repo_path

"""
_BLOCK = """\
if '$decorator' not in globals():
    from mage_ai.data_preparation.decorators import $decorator


@$decorated
def run(*args, **kwargs):
    words = [*$words, *map(str, args)]
    print(*words)
    return $result
"""
_MODULE_FOLDERS = ["utils", "utils/deep", "lib", "transformers/helpers", "jobs"]
_DATA_FOLDERS = ["data", "data/old", "sql", "utils", "lib/tables"]
_DEPTH = 3
_BLOCK_FOLDERS = ["", "", "daily/", "Team-1/orders.eu/"]
_RESULTS = {"sensor": "True", "conditional": "True", "callback": "None"}  # all others hand on their words
_WAITING = "from mage_ai.orchestration.run_status_checker import check_status\n"


@dataclass(frozen=True)
class RandomProject:
    """Files by their paths below the project's folder; pipelines, each after those whose runs it needs."""

    files: Mapping[str, str]
    pipelines: Sequence[str]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show an example that fails as its files."""
        files = (f"──── {path}\n{text.removeprefix(_HEAD)}" for path, text in sorted(self.files.items()))
        printer.text("\n" + "\n".join(files))


@st.composite
def random_projects(draw: st.DrawFn) -> RandomProject:
    """Draw a project; its last pipeline may need runs of the others."""
    project = _Builder(draw)
    for add, least, most in ((project.add_block, 2, 4), (project.add_addon, 0, 2), (project.add_pipeline, 1, 3)):
        for _ in range(draw(st.integers(least, most))):
            add()
    return RandomProject(project.files, tuple(project.pipelines))


class _Builder:
    """What is drawn so far: everything refers only to what was there before it."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.files: dict[str, str] = {}
        self.modules: list[str] = []
        self.blocks: list[dict[str, Any]] = []
        self.addons: list[dict[str, Any]] = []
        self.pipelines: list[str] = []
        self._count = 0

    def one(self, choices: Sequence[T]) -> T:
        return self.draw(st.sampled_from(choices))

    def some(self, choices: Sequence[T], least: int = 0, most: int = 99) -> list[T]:
        numbers = st.integers(0, len(choices) - 1)
        least, most = min(least, len(choices)), min(most, len(choices))
        drawn = self.draw(st.sets(numbers, min_size=least, max_size=most)) if choices else ()
        return [choices[number] for number in sorted(drawn)]

    def _yes(self) -> bool:
        return self.draw(st.booleans())

    def _new(self, stem: str) -> str:
        self._count += 1
        return f"{stem}{self._count}"

    # Modules and data

    def _add_module(self, depth: int) -> str:
        folder = self.one(_MODULE_FOLDERS)
        name = self._new("m")
        file = f"{folder}/{name}.py"
        statements, words = self._references(file, depth)
        self.files[file] = f"{_HEAD}{statements}words_of_{name} = {words}\nprint({file!r})\n"
        for package in _packages_around(folder):
            init = posixpath.join(package, "__init__.py")
            if init not in self.files and self._yes():
                self.files[init] = f"print({init!r})\n"
                if package == folder and not any(other.startswith(f"{folder}/") for other in self.modules):
                    self.files[init] += self.one(list(EXPORTED)).format(name=name)  # which makes no circle
        self.modules.append(file)
        return file

    def _add_data(self) -> str:
        file = f"{self.one(_DATA_FOLDERS)}/{self._new('d')}{self.one(['.csv', '.txt', '.json'])}"
        self.files[file] = file
        return file

    def _references(self, file: str, depth: int = 0) -> tuple[str, str]:
        """Draw what `file` refers to: return its statements, and the expression for its words."""
        statements, words = [], [repr(file)]
        for _ in range(self.draw(st.integers(0 if depth else 1, 2))):
            other = self._other(depth)
            names = _names(file, other) | {"new": self._new("n")}
            way = self._way(file, other, is_module=depth > 0)
            statements.append(Template(way.statement).substitute(names))
            words.append("*" + Template(way.words).substitute(names))
        return "".join(f"{statement}\n" for statement in statements if statement), f"[{', '.join(words)}]"

    def _other(self, depth: int) -> str:
        """Draw what is referred to: mostly a new file, so that it is missed if the one reference is."""
        choice = self.one(["module", "module", "data", "again"])
        if choice == "again" and self.modules:
            return self.one(self.modules)
        return self._add_module(depth + 1) if choice == "module" and depth < _DEPTH else self._add_data()

    def _way(self, file: str, other: str, *, is_module: bool) -> Way:
        """Draw how `file` comes by the words of `other`; a kind of few ways is as likely as one of many."""
        if not other.endswith(".py"):
            return self.one(self.one([READS, BESIDE] if is_module else [READS]))
        package = self.files.get(f"{posixpath.dirname(other)}/__init__.py", "")
        kinds = [BY_NAME]
        kinds += [[way] for export, way in EXPORTED.items() if export.format(name=_module_name(other)) in package]
        if is_module and not _is_alone(file):
            kinds.append(RELATIVE)
        if _is_alone(other):
            kinds.append(ALONE)
        return self.one(self.one(kinds))

    # Blocks

    def add_block(self) -> None:
        kind = self.one(["data_loader", "transformer", "data_exporter", "custom", "sensor", "sql"])
        if kind == "sql":
            self._add_sql()
            return
        entry = block(self.one(_BLOCK_FOLDERS) + self._new("b"), kind)
        path = f"{'custom' if kind == 'custom' else f'{kind}s'}/{entry['uuid']}.py"
        elsewhere = f"elsewhere/{_block_name(entry['uuid'])}.py"
        places = [("", ""), ("file_path", elsewhere), ("file_source", path), ("file_source", "gone.py")]
        key, named = self.one(places)
        named = self.one([named, f"{PROJECT}/{named}"])
        if key:
            entry["configuration"] = {key: {"path": named} if key == "file_source" else named}
        self._write_block(elsewhere if key == "file_path" else path, kind)
        self.blocks.append(entry)

    def _add_sql(self) -> None:
        uuid = self.one(_BLOCK_FOLDERS) + self._new("b")
        path = f"data_loaders/{uuid}.sql"
        configuration = {"data_provider": "postgres", "data_provider_profile": "default", "use_raw_sql": True}
        self.files[path] = f"select '{path}' as word"
        self.blocks.append(block(uuid, "data_loader", language="sql", configuration=configuration))

    def add_addon(self) -> None:
        kind = self.one(["callback", "conditional"])
        entry = block(self._new("x"), kind)
        self._write_block(f"{kind}s/{entry['uuid']}.py", kind)
        self.addons.append(entry)

    def _write_block(self, path: str, kind: str, result: str = "") -> None:
        statements, words = self._references(path)
        decorator = "condition" if kind == "conditional" else kind
        code = Template(_BLOCK).substitute(
            decorator=decorator,
            decorated="callback('success')" if kind == "callback" else decorator,
            words=words,
            result=result or _RESULTS.get(kind, "' '.join(words)"),
        )
        self.files[path] = _HEAD + statements + code

    # Pipelines

    def add_pipeline(self) -> None:
        name = self._new("p")
        blocks = [entry for drawn in self.some(self.blocks, least=2) for entry in self._with_replica(drawn)]
        blocks += [self.one([self._product, self._waiting])(other) for other in self.some(self.pipelines, least=1)]
        for number, entry in enumerate(blocks):
            above = [other["uuid"] for other in blocks[:number]] if entry.get("language") == "python" else []
            entry["upstream_blocks"] = self.some(above, most=2)
            if entry["type"] != "global_data_product" and self._yes():
                self._give_callback(entry)
        attached: dict[str, list[dict[str, Any]]] = {"callbacks": [], "conditionals": []}
        for addon in self.some(self.addons):
            parents = self.some([entry["uuid"] for entry in blocks], least=1)
            attached[f"{addon['type']}s"].append(addon | {"upstream_blocks": parents})
        metadata = {"name": name, "uuid": name, "type": "python", "blocks": blocks, **attached}
        self.files[f"pipelines/{name}/metadata.yaml"] = dumped(metadata, sort_keys=False)
        self.pipelines.append(name)

    def _with_replica(self, entry: dict[str, Any]) -> list[dict[str, Any]]:
        replica = {**entry, "uuid": self._new("again"), "replicated_block": entry["uuid"]}
        return [dict(entry), replica] if entry["type"] != "sensor" and self._yes() else [dict(entry)]

    def _give_callback(self, entry: dict[str, Any]) -> None:
        entry["has_callback"] = True
        path = f"callbacks/{_block_name(entry['uuid'])}_callback.py"
        if path not in self.files:
            self._write_block(path, "callback")

    def _product(self, other: str) -> dict[str, Any]:
        """Make a global data product of the pipeline `other`, and a block that takes it."""
        registry = "global_data_products.yaml"
        products = yaml.load(self.files.get(registry, "{}"), LOADER)
        metadata = yaml.load(self.files[f"pipelines/{other}/metadata.yaml"], LOADER)
        kinds = ("data_loader", "transformer")
        products[other] = {
            "object_type": "pipeline",
            "object_uuid": other,
            "outdated_after": {"weeks": 1},
            "settings": {entry["uuid"]: {} for entry in metadata["blocks"] if entry["type"] in kinds},
        }
        self.files[registry] = dumped(products)
        configuration = {"global_data_product": {"uuid": other}}
        return block(self._new("product"), "global_data_product", configuration=configuration)

    def _waiting(self, other: str) -> dict[str, Any]:
        """Return a sensor that waits for a run of the pipeline `other`."""
        entry = block(self._new("wait"), "sensor")
        path = f"sensors/{entry['uuid']}.py"
        self._write_block(path, "sensor", f"check_status({other!r}, kwargs['execution_date'])")
        self.files[path] = _WAITING + self.files[path]
        return entry


def _names(file: str, other: str) -> dict[str, str]:
    """Return what stands in the ways in which `file` may refer to `other`."""
    here, folder = posixpath.dirname(file), posixpath.dirname(other)
    way = posixpath.relpath(folder, here).split("/")
    around = "." * (1 + way.count("..")) + ".".join(part for part in way if part not in ("..", "."))
    return {
        "path": other,
        "folder": folder,
        "file": posixpath.basename(other),
        "suffix": posixpath.splitext(other)[1],
        "package": f"{PROJECT}.{folder.replace('/', '.')}",
        "short": folder.replace("/", "."),
        "name": _module_name(other),
        "around": around,
        "sibling": f"{around if around.endswith('.') else around + '.'}{_module_name(other)}",
        "from_here": posixpath.relpath(other, here),
        "levels": str(here.count("/") + 1),
    }


def _is_alone(file: str) -> bool:
    """Tell whether the module needs no package around it."""
    return file.startswith("jobs/")


def _packages_around(folder: str) -> list[str]:
    parts = folder.split("/")
    return ["/".join(parts[:depth]) for depth in range(len(parts) + 1)]


def _module_name(path: str) -> str:
    return posixpath.basename(path).removesuffix(".py")


def _block_name(uuid: str) -> str:
    """Return the name that Mage gives the callback of the block."""
    return re.sub(r"\W", "_", uuid).lower()
