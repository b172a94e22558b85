"""The files that a closure gathers, each with its reason; the references of each are followed."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from basics.errors import Finding
from basics.yaml_file import located
from promotion.layout import PROJECT
from promotion.pipelines.own_name import importable
from promotion.pipelines.project_files import candidates, named_files
from promotion.pipelines.python_modules import (
    exported_modules,
    files_of_module,
    imported_modules,
    may_be_of_project,
    module_exists,
)
from promotion.pipelines.references.of_file import references_of
from promotion.pipelines.references.values import UNKNOWN, Import, NamedPath, References
from promotion.pipelines.stand_ins import kept_elsewhere, stands_for
from promotion.repository.tree import SUBMODULE, SYMLINK, Tree, not_utf8

_TEXTS = (".py", ".sql", ".r", ".R", ".yaml", ".yml", ".md")
# Files of every release that all pipelines share: a pipeline whose code names them does not claim them.
_OF_ALL = {f"{PROJECT}/{name}" for name in ("io_config.yaml", "metadata.yaml", "requirements.txt")}


_BRING = "commit the content itself, or let the code fetch it from where it is kept"


class Reason(NamedTuple):
    """Why a closure has a file: the reason in words, and the file that refers to it, which has its own reason."""

    text: str
    referrer: str | None = None  # None: the pipeline itself
    line: int | None = None
    name: str | None = None  # in YAML: a `uuid` or a key; its line is looked up when it is shown


class Unresolved(NamedTuple):
    """A reference to files that cannot be told from the text."""

    path: str
    line: int
    problem: str


class GatheredFiles:
    """Follows references until no new file is found."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.roots = importable(tree)
        self.reasons: dict[str, Reason] = {}
        self.findings: list[Finding] = []
        self.unresolved: set[Unresolved] = set()
        self._unread: deque[str] = deque()  # files to follow, oldest first: chains stay short

    def add(self, path: str, reason: Reason) -> None:
        """Add the file `path`; the first reason stays."""
        if path in self.reasons:
            return
        self.reasons[path] = reason
        self._unread.append(path)

    def follow(self) -> None:
        """Add every file that the gathered files refer to, directly or through others."""
        while self._unread:
            self._follow(self._unread.popleft())

    def report(self, path: str, code: str, problem: str, fix: str, line: int | None = None) -> None:
        """Add a finding; in YAML the problem begins with a key, from which the line is known."""
        finding = Finding(path, line, code, problem, fix)
        lacks_line = line is None and path in self.tree and self.tree.is_text(path)
        self.findings.append(located(finding, self.tree.text(path)) if lacks_line else finding)

    def _follow(self, path: str) -> None:
        mode = self.tree[path].mode
        if mode == SUBMODULE:
            return
        if tool := stands_for(self.tree, path):
            problem = f"{tool} keeps the content elsewhere, and a release would have only what stands for it"
            self.findings.append(Finding(path, None, "stands-for-content", problem, _BRING))
            return
        if mode == SYMLINK:
            target = self.tree.linked(path)
            if target in self.tree:  # the static gate refuses every other link
                self.add(target, Reason(f"target of the link {path}", path))
            return
        references = self._references(path)
        if references is None:
            self.findings.append(not_utf8(path))
        else:
            self._follow_references(path, references)

    def _references(self, path: str) -> References | None:
        """Return what `path` refers to; None where it should be text and is not."""
        key = f"{self.tree[path].oid} {path}"
        return self.tree.memory.recall("references", key, lambda: self._read_references(path))

    def _read_references(self, path: str) -> References | None:
        try:
            return references_of(path, self.tree.read(path).decode())
        except UnicodeDecodeError:
            return None if path.endswith(_TEXTS) else References()

    def _follow_references(self, path: str, references: References) -> None:
        if references.error:
            problem, line = references.error
            self.report(path, "syntax-error", f"Python does not compile: {problem}", "fix the line", line)
        for imported in references.imports:
            self._follow_import(path, imported)
        for named in references.paths:
            self._follow_path(path, named)

    def _follow_import(self, path: str, imported: Import) -> None:
        if UNKNOWN in imported.module:
            if may_be_of_project(self.tree, self.roots, imported):
                problem = "imports a module whose name is computed"
                self.unresolved.add(Unresolved(path, imported.line, problem))
            return
        for module in imported_modules(self.tree, self.roots, path, imported):
            if not module_exists(self.tree, module):
                fix = f"add {module.replace('.', '/')}.py, or remove the import"
                problem = f"imports {_as_written(self.roots, module, imported)}, which is not in the project"
                self.report(path, "import-missing", problem, fix, imported.line)
            for new in files_of_module(self.tree, module):
                self.add(new, Reason(f"imported by {path}", path, imported.line))
                self._follow_names(new, module, imported)

    def _follow_names(self, path: str, module: str, imported: Import) -> None:
        """Follow what `imported` takes from the file `path` of `module`: named paths, and modules taken by `*`."""
        references = self._references(path) if self.tree[path].mode != SYMLINK else None
        if references is None:
            return
        whole = {"*", module.rpartition(".")[2]}.intersection(imported.names or "*")
        for name, named in references.folders:
            if whole or name in imported.names:
                self._follow_path(path, named)
        for exported in exported_modules(self.tree, path, references.exports) if "*" in imported.names else ():
            for new in files_of_module(self.tree, exported):
                self.add(new, Reason(f"named in __all__ of {path}", path))

    def _follow_path(self, path: str, named: NamedPath) -> None:
        found = named_files(self.tree, self.roots, path, named)
        if found and UNKNOWN in named.path:
            problem = "names a file of the project by a path that is computed"
            self.unresolved.add(Unresolved(path, named.line, problem))
            return
        for new in found:
            if new not in _OF_ALL:
                self.add(new, Reason(f"named by {path}", path, named.line))
        if not found and UNKNOWN not in named.path:
            for stand_in in kept_elsewhere(self.tree, candidates(self.roots, path, named)):
                problem = f"names a file that DVC keeps elsewhere, as {stand_in} says"
                self.report(path, "stands-for-content", problem, _BRING, named.line)


def _as_written(roots: Mapping[str, str], module: str, imported: Import) -> str:
    """Return `module`, a path in the tree with dots, by the name under which it is imported."""
    if imported.level:
        return module
    first = imported.module.partition(".")[0]
    begin = len(roots[first]) + len(imported.module) - len(first)
    return imported.module + module[begin:]
