"""A tree of files: immutable, composed without a work tree, and the digests over it."""

from __future__ import annotations

import hashlib
import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from promotion.errors import Finding, Malformed

REGULAR, EXECUTABLE, SYMLINK, SUBMODULE = "100644", "100755", "120000", "160000"


@dataclass(frozen=True)
class File:
    """What git keeps of a file: its mode and the id of its content."""

    mode: str
    oid: str


class Blobs(Protocol):
    """Where contents are read from, by their git object id."""

    def read(self, oid: str) -> bytes:
        """Return the content with the id `oid`."""


class Tree(Mapping[str, File]):
    """Paths (with `/`, relative to the root) and their files; contents are read on demand."""

    def __init__(self, files: Mapping[str, File], blobs: Blobs) -> None:
        self._files = dict(sorted(files.items()))
        self._blobs = blobs

    def __getitem__(self, path: str) -> File:
        return self._files[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def read(self, path: str) -> bytes:
        """Return the content of `path`; of a symbolic link, the path that it points to."""
        return self._blobs.read(self._files[path].oid)

    def text(self, path: str) -> str:
        """Return the content as text; raise `Malformed` where it is not UTF-8."""
        try:
            return self.read(path).decode()
        except UnicodeDecodeError as error:
            raise Malformed(not_utf8(path)) from error

    def is_text(self, path: str) -> bool:
        """Tell whether `path` is a file of UTF-8 text."""
        if self._files[path].mode in (SYMLINK, SUBMODULE):
            return False
        content = self.read(path)
        try:
            content.decode()
        except UnicodeDecodeError:
            return False
        return b"\0" not in content[:8000]

    def texts(self) -> list[str]:
        """Return the paths of all files of UTF-8 text."""
        return [path for path in self if self.is_text(path)]

    def link(self, path: str) -> str:
        """Return what the symbolic link `path` says."""
        return os.fsdecode(self.read(path))

    def linked(self, path: str) -> str:
        """Return the path in the tree that the symbolic link `path` points to; it may be no file of it."""
        return posixpath.normpath(posixpath.join(posixpath.dirname(path), self.link(path)))

    def under(self, *roots: str) -> Tree:
        """Return the part that is one of `roots` or lies below one of them."""
        keep = {
            path: file
            for path, file in self._files.items()
            if any(path == root or path.startswith(root + "/") for root in roots)
        }
        return Tree(keep, self._blobs)

    def only(self, paths: Iterable[str]) -> Tree:
        """Return the part that `paths` names."""
        return Tree({path: self._files[path] for path in paths}, self._blobs)

    def without(self, paths: Iterable[str]) -> Tree:
        """Return everything but `paths`."""
        gone = set(paths)
        return Tree({path: file for path, file in self._files.items() if path not in gone}, self._blobs)

    def overlaid_with(self, other: Tree) -> Tree:
        """Return this tree with `other` laid over it, a file over a folder of the same name and vice versa."""
        folders = {folder for path in other for folder in _folders(path)}
        keep = {
            path: file
            for path, file in self._files.items()
            if path not in folders and not any(folder in other for folder in _folders(path))
        }
        return Tree({**keep, **other._files}, self._blobs)

    def digest(self) -> str:
        """Return the SHA-256 over the sorted (mode, path, content) of all files, as `sha256:<hex>`."""
        total = hashlib.sha256()
        for path, file in self._files.items():
            content = hashlib.sha256(self._blobs.read(file.oid)).hexdigest()
            total.update(f"{file.mode} {path}\0{content}\n".encode(errors="surrogateescape"))
        return f"sha256:{total.hexdigest()}"

    def write_to(self, folder: Path) -> None:
        """Write every file below `folder`, which must exist."""
        for path, file in self._files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if file.mode == SYMLINK:
                target.symlink_to(self.link(path))
                continue
            target.write_bytes(self.read(path))
            target.chmod(0o755 if file.mode == EXECUTABLE else 0o644)


def _folders(path: str) -> list[str]:
    return [str(folder) for folder in PurePosixPath(path).parents][:-1]


def not_utf8(path: str) -> Finding:
    """Say that `path` should be text and is not."""
    return Finding(path, None, "not-utf8", "the file is not UTF-8 text", "save it as UTF-8")


class _FolderBlobs:
    """Contents of files on disk."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    def read(self, oid: str) -> bytes:
        return self.contents[oid]

    def add(self, content: bytes) -> str:
        oid = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        self.contents[oid] = content
        return oid


def tree_of_folder(folder: Path, paths: Iterable[str]) -> Tree:
    """Return the tree of the files `paths` (relative to `folder`) as they are on disk."""
    blobs = _FolderBlobs()
    files: dict[str, File] = {}
    for path in paths:
        on_disk = folder / path
        if on_disk.is_symlink():
            files[path] = File(SYMLINK, blobs.add(os.fsencode(on_disk.readlink())))
        elif on_disk.is_file():
            mode = EXECUTABLE if on_disk.stat().st_mode & 0o100 else REGULAR
            files[path] = File(mode, blobs.add(on_disk.read_bytes()))
    return Tree(files, blobs)
