"""What git stores: contents and folders, read through one process that stays for the next question."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO

from basics.errors import PromotionError
from basics.process import start
from promotion.repository.tree import File

_FOLDER = "040000"
_AT_ONCE = 50  # questions before the first answer is read: more might fill the pipe, and both sides would wait


class ObjectMissing(PromotionError):
    """Git was asked for something that it does not have."""

    def __init__(self, name: str) -> None:
        super().__init__("object-missing", f"git has no object {name}", fix="git fsck")


class Objects:
    """The objects of the repository `root`; each is read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._reader: subprocess.Popen[bytes] | None = None
        self._contents: dict[str, bytes] = {}
        self._folders: dict[str, list[tuple[str, File]]] = {}

    def close(self) -> None:
        """End the process."""
        if self._reader is not None:
            self._reader.communicate()

    def read(self, name: str) -> bytes:
        """Return the content of the object `name`: an id, or another name that git knows, like `COMMIT:PATH`."""
        self.read_ahead([name])
        return self._contents[name]

    def read_ahead(self, names: Iterable[str]) -> None:
        """Read the contents of many objects; waiting for each answer alone would take much longer."""
        missing = iter({name for name in names if name not in self._contents})
        while questions := list(islice(missing, _AT_ONCE)):
            for name, content in zip(questions, self._ask(questions), strict=True):
                if content is None:
                    raise ObjectMissing(name)
                self._contents[name] = content

    def files(self, commit: str, roots: Sequence[str] = ()) -> Iterator[tuple[str, File]]:
        """Yield path and file of all that the commit with the id `commit` has, or what is at or below `roots`."""
        folders = [("", f"{commit}^{{tree}}", roots)]
        while folders:  # those of one depth at a time
            self.read_ahead(name for _, name, _ in folders)
            deeper = []
            for folder, name, wanted in folders:
                for entry, file in self._folder(name, len(commit) // 2):
                    path = f"{folder}{entry}"
                    if wanted and not any(_meet(path, root) for root in wanted):
                        continue
                    if file.mode == _FOLDER:
                        deeper.append((f"{path}/", file.oid, () if path in wanted else wanted))
                    else:
                        yield path, file
            folders = deeper

    def _folder(self, name: str, id_size: int) -> list[tuple[str, File]]:
        """Return what lies in one folder; most folders of a release are also those of another."""
        if name not in self._folders:
            self._folders[name] = list(_entries(self.read(name), id_size))
        return self._folders[name]

    def _ask(self, names: Iterable[str]) -> list[bytes | None]:
        """Return the content of each object, None for one that git does not have."""
        if self._reader is None:
            self._reader = start("git", "cat-file", "--batch", cwd=self._root)
        questions, answers = self._reader.stdin, self._reader.stdout
        assert questions is not None  # `start` asks for both
        assert answers is not None
        questions.write("".join(f"{name}\n" for name in names).encode())
        questions.flush()
        return [_content(answers) for _ in names]


def _content(answers: IO[bytes]) -> bytes | None:
    """Read one answer of `git cat-file --batch`."""
    header = answers.readline().split()
    if len(header) != 3:
        return None
    content = answers.read(int(header[2]))
    answers.read(1)  # the line end after each object
    return content


def _entries(folder: bytes, id_size: int) -> Iterator[tuple[str, File]]:
    """Yield names and files of a folder as git stores it: mode, space, name, zero byte, `id_size` bytes."""
    position = 0
    while position < len(folder):
        end = folder.index(b"\0", position)
        mode, _, name = folder[position:end].partition(b" ")
        position = end + 1 + id_size
        yield os.fsdecode(name), File(mode.decode().zfill(6), folder[end + 1 : position].hex())


def _meet(path: str, root: str) -> bool:
    """Tell whether one of the two is the other, or is around it."""
    return path == root or path.startswith(f"{root}/") or root.startswith(f"{path}/")
