"""A tree of files: immutable, composed without a work tree, and the digests over it."""

from __future__ import annotations

import hashlib
import os
import posixpath
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import is_
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from basics.errors import Finding, Malformed
from promotion.repository.memory import Memory

T = TypeVar("T")

_DIGESTS = "sha256"  # kept for every content that was ever read
REGULAR, EXECUTABLE, SYMLINK, SUBMODULE = "100644", "100755", "120000", "160000"


class File(NamedTuple):
    """What git keeps of a file: its mode and the id of its content."""

    mode: str
    oid: str


class Blobs(Protocol):
    """Where contents are read from, by their git object ids, and what is remembered of them."""

    memory: Memory

    def read(self, oid: str) -> bytes:
        """Return the content with the id `oid`."""

    def read_ahead(self, oids: Iterable[str]) -> None:
        """Read many contents at once."""


class Tree(Mapping[str, File]):
    """Paths (with `/`, relative to the root) and their files; contents are read on demand."""

    def __init__(self, files: Mapping[str, File], blobs: Blobs) -> None:
        self._paths = sorted(files)
        is_sorted = all(map(is_, self._paths, files))  # so are nearly all: they are parts of other trees
        self._files = dict(files) if is_sorted else {path: files[path] for path in self._paths}
        self._blobs = blobs

    def __getitem__(self, path: str) -> File:
        return self._files[path]

    def __contains__(self, path: object) -> bool:
        return path in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def read(self, path: str) -> bytes:
        """Return the content of `path`; of a symbolic link, the path that it points to."""
        return self._blobs.read(self[path].oid)

    def recall(self, kind: str, path: str, work_out: Callable[[bytes], T]) -> T:
        """Return what `work_out` makes of the content of `path`; it is remembered for this content as `kind`."""
        oid = self[path].oid
        return self._blobs.memory.recall(kind, oid, lambda: work_out(self._blobs.read(oid)))

    def recall_each(self, kind: str, paths: Iterable[str], work_out: Callable[[bytes], T]) -> list[tuple[str, T]]:
        """Return each of `paths` with what `recall` returns for it; fast also for very many paths."""
        known, files = self.memory.at_hand(kind), self._files
        return [
            (path, known[oid] if (oid := files[path].oid) in known else self.recall(kind, path, work_out))
            for path in paths
        ]

    @property
    def memory(self) -> Memory:
        """What is remembered of contents, for every tree that holds them."""
        return self._blobs.memory

    def read_ahead(self) -> None:
        """Read at once every content of which nothing is remembered, for a caller that will need most of them."""
        files = (file for file in self._files.values() if file.mode != SUBMODULE)
        self._blobs.read_ahead(file.oid for file in files if self.memory.known(_DIGESTS, file.oid) is None)

    def text(self, path: str) -> str:
        """Return the content as text; raise `Malformed` where it is not UTF-8."""
        try:
            return self.read(path).decode()
        except UnicodeDecodeError as error:
            raise Malformed(not_utf8(path)) from error

    def is_text(self, path: str) -> bool:
        """Tell whether `path` is a file of UTF-8 text."""
        if self[path].mode in (SYMLINK, SUBMODULE):
            return False
        return self.recall("text", path, _is_text)

    def texts(self, paths: Iterable[str] | None = None) -> list[str]:
        """Return those of `paths` (None: of all paths) that are files of UTF-8 text."""
        contents = self.contents(self._paths if paths is None else paths)
        return [path for path, is_text in self.recall_each("text", contents, _is_text) if is_text]

    def contents(self, paths: Iterable[str]) -> list[str]:
        """Return those of `paths` that are neither links nor submodules."""
        return [path for path in paths if self._files[path].mode not in (SYMLINK, SUBMODULE)]

    def link(self, path: str) -> str:
        """Return the target of the symbolic link `path` as it is written there."""
        return os.fsdecode(self.read(path))

    def linked(self, path: str) -> str:
        """Return the path in the tree that the symbolic link `path` points to; there may be no such file."""
        return posixpath.normpath(posixpath.join(posixpath.dirname(path), self.link(path)))

    def under(self, *roots: str) -> Tree:
        """Return the part of the tree that lies at or below `roots`."""
        paths = dict.fromkeys(path for root in roots for path in self.paths_at(root))
        return Tree({path: self._files[path] for path in paths}, self._blobs)

    def has_folder(self, path: str) -> bool:
        """Tell whether there is a file below `path`."""
        position = bisect_left(self._paths, f"{path}/")
        return position < len(self._paths) and self._paths[position].startswith(f"{path}/")

    def paths_at(self, root: str) -> Iterator[str]:
        """Yield the path `root` itself and those below it, sorted together: `0` comes right after `/`."""
        if root in self._files:
            yield root
        yield from self._paths[bisect_left(self._paths, f"{root}/") : bisect_left(self._paths, f"{root}0")]

    def only(self, paths: Iterable[str]) -> Tree:
        """Return the part that `paths` names."""
        return Tree({path: self._files[path] for path in paths}, self._blobs)

    def of_files(self, files: Mapping[str, File]) -> Tree:
        """Return a tree of `files` whose contents are read like those of this tree."""
        return Tree(files, self._blobs)

    def without(self, paths: Iterable[str]) -> Tree:
        """Return everything but `paths`."""
        gone = set(paths)
        return Tree({path: file for path, file in self._files.items() if path not in gone}, self._blobs)

    def differences(self, other: Tree) -> list[str]:
        """Return the paths whose files differ, and the paths that only one of the two trees has."""
        return sorted({path for path, _ in self._files.items() ^ other._files.items()})

    def overlaid_with(self, other: Tree) -> Tree:
        """Return this tree with `other` laid over it; a file replaces a folder of its name, and vice versa."""
        around = {folder for path in other for folder in folders(path)}
        covered = [path for path in around if path in self._files]
        covered += [below for path in other for below in self.paths_at(path) if below != path]
        return Tree({**self.without(covered)._files, **other._files}, self._blobs)

    def digest(self) -> str:
        """Return the SHA-256 over the sorted (mode, path, content) of all files, as `sha256:<hex>`."""
        total = hashlib.sha256()
        for path, file in self._files.items():
            content = file.oid if file.mode == SUBMODULE else self.recall(_DIGESTS, path, _sha256)
            total.update(f"{file.mode} {path}\0{content}\n".encode(errors="surrogateescape"))
        return f"sha256:{total.hexdigest()}"

    def write_to(self, folder: Path) -> None:
        """Write every file below `folder`, which must exist."""
        self._blobs.read_ahead(file.oid for file in self._files.values() if file.mode != SUBMODULE)
        for path, file in self._files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if file.mode == SYMLINK:
                target.symlink_to(self.link(path))
                continue
            target.write_bytes(self.read(path))
            target.chmod(0o755 if file.mode == EXECUTABLE else 0o644)


def folders(path: str) -> list[str]:
    """Return the folders around `path`, the outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def as_text(content: bytes) -> str | None:
    """Return `content` as text; None where it is not UTF-8, or is binary."""
    try:
        return content.decode() if b"\0" not in content[:8000] else None
    except UnicodeDecodeError:
        return None


def _is_text(content: bytes) -> bool:
    return as_text(content) is not None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def not_utf8(path: str) -> Finding:
    """Return the finding that `path` should be text and is not."""
    return Finding(path, None, "not-utf8", "the file is not UTF-8 text", "save it as UTF-8")


class _FolderBlobs:
    """Contents of files on disk."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.contents: dict[str, bytes] = {}

    def read(self, oid: str) -> bytes:
        return self.contents[oid]

    def read_ahead(self, oids: Iterable[str]) -> None:
        """Do nothing: all contents are in memory."""

    def add(self, content: bytes) -> str:
        oid = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        self.contents[oid] = content
        return oid


def tree_of_folder(folder: Path, paths: Iterable[str]) -> Tree:
    """Return the tree of the files `paths` (relative to `folder`) as they are on disk."""
    return tree_of_files({path: folder / path for path in paths})


def tree_of_files(on_disk: Mapping[str, Path]) -> Tree:
    """Return the tree of files on disk, each by its path in the tree; what is no file there is left out."""
    blobs = _FolderBlobs()
    files: dict[str, File] = {}
    for path, file in on_disk.items():
        if file.is_symlink():
            files[path] = File(SYMLINK, blobs.add(os.fsencode(file.readlink())))
        elif file.is_file():
            mode = EXECUTABLE if file.stat().st_mode & 0o100 else REGULAR
            files[path] = File(mode, blobs.add(file.read_bytes()))
    return Tree(files, blobs)
