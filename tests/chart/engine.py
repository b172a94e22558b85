"""The real Helm engine, offline: the one in a Python wheel, and the command `helm` to compare it with."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import helm_python
import yaml

Values = Mapping[str, Any]
Object = dict[str, Any]


class RenderError(Exception):
    """Helm refused to render; the message is Helm's."""


class Engine(Protocol):
    """What the tests ask of Helm."""

    def template(self, chart: Path, values: Values, release: str, namespace: str) -> str:
        """Return all manifests as text; raise `RenderError` with Helm's message."""

    def lint(self, chart: Path, values: Values) -> list[str]:
        """Return what `helm lint --strict` has to say against the chart with these values."""


class Binary:
    """The command `helm`."""

    def template(self, chart: Path, values: Values, release: str, namespace: str) -> str:
        """Run `helm template`."""
        done = self._run(values, "template", release, str(chart), "--namespace", namespace)
        if done.returncode:
            raise RenderError(done.stderr)
        return done.stdout

    def lint(self, chart: Path, values: Values) -> list[str]:
        """Run `helm lint --strict`."""
        done = self._run(values, "lint", str(chart), "--strict")
        return [done.stdout + done.stderr] if done.returncode else []

    def _run(self, values: Values, *arguments: str) -> subprocess.CompletedProcess[str]:
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump(dict(values), file)
            file.flush()
            command = ["helm", *arguments, "--values", file.name]
            return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


class Wheel:
    """Helm's Go code in a shared library."""

    def template(self, chart: Path, values: Values, release: str, namespace: str) -> str:
        """Render and join the files of manifests, as `helm template` does."""
        files = self.files(chart, values, release, namespace)
        return "\n".join(
            f"---\n# Source: {name}\n{text}" for name, text in sorted(files.items()) if name.endswith(".yaml")
        )

    def files(self, chart: Path, values: Values, release: str, namespace: str) -> dict[str, str]:
        """Return what each template renders to, NOTES.txt included."""
        try:
            with helm_python.Chart.load(chart) as loaded:
                return loaded.render(dict(values), name=release, namespace=namespace)
        except helm_python.HelmError as error:
            raise RenderError(str(error)) from error

    def lint(self, chart: Path, values: Values) -> list[str]:
        """Return warnings and errors: `strict` makes a warning count."""
        report = helm_python.lint(chart, dict(values), strict=True)
        found = [
            f"{message['path']}: {message['error']}" for message in report["messages"] if message["severity"] > 1
        ]
        return found + list(report["errors"])


class _StrictLoader(yaml.CSafeLoader):
    """Refuses a key that is given twice, as the API server does and PyYAML does not."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise RenderError(f"given twice: {', '.join(map(str, sorted(twice)))} {node.start_mark}")
        return super().construct_mapping(node, deep)


def objects_in(text: str) -> list[Object]:
    """Return the objects in rendered text, by kind and name: the two engines order them differently."""
    found = [document for document in yaml.load_all(text, _StrictLoader) if document]
    return sorted(found, key=identity)


def identity(item: Object) -> tuple[str, str]:
    """Return kind and name."""
    return item["kind"], item["metadata"]["name"]


def merged(layers: Sequence[Values]) -> dict[str, Any]:
    """Return the values of several files as Helm merges them: maps deeply, all else by replacement."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            both_maps = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
            result[key] = merged([result[key], value]) if both_maps else value
    return result


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the path and value of everything in nested maps that is no map with keys."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*path, str(key)))
    else:
        yield path, value
