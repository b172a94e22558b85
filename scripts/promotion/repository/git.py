"""Every question to git, and the one write: a commit pushed by compare-and-swap."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from basics.errors import Conflict, PromotionError
from basics.process import CommandError, run
from promotion.repository.hooks import HookWatch
from promotion.repository.memory import Memory
from promotion.repository.objects import Objects
from promotion.repository.remotes import remote_of_main
from promotion.repository.settings import Settings, read_settings
from promotion.repository.tree import File, Tree

MAIN = "main"
# Only objects come: no ref, no tag, no submodule, no FETCH_HEAD of this clone changes.
FETCH = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--refmap=")
# All questions about a clone at once. A path may have any character: the last answer may have many lines.
_QUESTIONS = (
    "--branches=[m]ain",  # the commit of the local `main`; without a pattern git would look below main/
    "--is-shallow-repository",
    "--remotes",  # the commits of its remotes' branches
    "--git-common-dir",
    "--show-toplevel",
)
_ANSWERS = re.compile(r"(?:([0-9a-f]+)\n)?(true|false)\n((?:[0-9a-f]+\n)*)(.+)\n((?s:.+))")
_RECORDS = ("refs/heads/env/*", "refs/heads/evidence/*")


@dataclass(frozen=True)
class Header:
    """What a commit says besides its message: the id of its tree, its parents, and when it was made."""

    tree: str
    parents: tuple[str, ...]
    at: datetime


class Repository:
    """A clone and its remote. Nothing here touches the work tree, the index or a local branch."""

    def __init__(
        self,
        root: Path,
        remote: str,
        memory: Memory,
        settings: Settings,
        *,
        is_shallow: bool = False,
        main: str | None = None,
        tips: Collection[str] = (),
    ) -> None:
        """Take a clone, with the commits of its own `main` and of its remotes' branches if they are known."""
        self.root = root
        self.remote = remote
        self.memory = memory
        self.settings = settings
        self._is_shallow = is_shallow
        self._main = main
        self._tips = frozenset(tips)
        self._followed = [f"refs/heads/{MAIN}", *_RECORDS]
        self._heads: dict[str, str] = {}
        self._objects = Objects(root)

    @classmethod
    def find(cls, folder: Path) -> Repository:
        """Return the repository around `folder`; raise `PromotionError` where there is none, or no remote."""
        try:
            shown = run("git", "rev-parse", *_QUESTIONS, cwd=folder)
        except CommandError as error:
            raise PromotionError(
                "not-a-repository",
                f"{folder} is not inside a usable git repository:\n{error.stderr}",
                fix="cd into your clone and try again",
            ) from error
        answers = _ANSWERS.fullmatch(os.fsdecode(shown.removesuffix(b"\n")))
        assert answers is not None
        main, is_shallow, tips, common, root = answers.groups()
        settings = read_settings(folder)
        return cls(
            Path(root),
            remote_of_main(settings),
            Memory(folder / common / "promotion"),
            settings,
            is_shallow=is_shallow == "true",
            main=main,
            tips=tips.splitlines(),
        )

    def __enter__(self) -> Repository:
        return self

    def __exit__(self, *_: object) -> None:
        self._objects.close()
        self.memory.save()

    def _git(self, *arguments: str, stdin: bytes | None = None, **variables: str) -> str:
        # Without optional locks a question about the work tree does not write the index.
        environment = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
        return (
            run("git", *arguments, cwd=self.root, stdin=stdin, environment=environment | variables)
            .decode(errors="surrogateescape")
            .rstrip("\n")
        )

    # What is read

    def follow(self, pattern: str) -> None:
        """Let `fetch` also read the remote's branches that match `pattern`."""
        self._followed.append(f"refs/heads/{pattern}")

    def fetch(self) -> None:
        """Read which commits the remote's `main` and its records point to, and fetch those commits.

        No ref of this clone moves: two commands in one clone do not disturb each other, and a killed command
        leaves no lock.
        """
        if self._is_shallow:
            raise PromotionError(
                "shallow-clone",
                "this clone is shallow: the releases' history is missing",
                fix="git fetch --unshallow",
            )
        try:
            listing = self._git("ls-remote", "--quiet", self.remote, *self._followed)
            self._heads = {ref: oid for oid, ref in (line.split("\t") for line in listing.splitlines())}
            if not self._has(self._heads.values()):
                self._git(*FETCH, self.remote, *self._heads)
        except CommandError as error:
            raise PromotionError(
                "remote-unreachable",
                f"the remote {self.remote} could not be read:\n{error.stderr}",
                fix=f"check the address and your access: git ls-remote {self.remote}",
            ) from error

    def _has(self, commits: Collection[str]) -> bool:
        """Tell whether this clone has `commits` with all that they need: a fetch that was killed leaves a part."""
        if self._tips.issuperset(commits):  # git lets no branch point to a part
            return True
        try:
            self._git("rev-list", "--quiet", "--objects", "--missing=allow-promisor", *commits, "--not", "--all")
        except CommandError:
            return False
        return True

    @property
    def heads(self) -> Mapping[str, str]:
        """The followed refs of the remote at the last fetch, each with its commit."""
        return self._heads

    def head(self, branch: str) -> str | None:
        """Return the commit that `branch` of the remote pointed to at the last fetch, None if there was none."""
        return self._heads.get(f"refs/heads/{branch}")

    def history(self, commit: str) -> list[str]:
        """Return the first-parent history of `commit`, newest first."""
        return self._git("rev-list", "--first-parent", commit).splitlines()

    def header(self, commit: str) -> Header:
        """Return what `commit` says of itself."""
        lines = self.read(commit).partition(b"\n\n")[0].decode(errors="replace").split("\n")
        entries = [line.split(" ", 1) for line in lines if " " in line]
        parents = tuple(value for key, value in entries if key == "parent")
        only = dict(entries)
        seconds = int(only["committer"].rsplit(" ", 2)[1])
        return Header(only["tree"], parents, datetime.fromtimestamp(seconds, UTC))

    def uncommitted(self, roots: Iterable[str]) -> list[str]:
        """Return the paths below `roots` that differ from HEAD in the work tree or the index."""
        listing = self._git("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", *roots)
        return [entry[3:] for entry in listing.split("\0") if entry]

    def unpushed(self, roots: Iterable[str]) -> list[str]:
        """Return the commits of the local `main` that touch `roots` and that the remote's `main` lacks."""
        if self._main == self.head(MAIN):
            return []
        with suppress(CommandError):  # there may be no local main
            options = ("--format=%h %s", "--no-show-signature")
            return self._git(
                "log", *options, f"^{self.head(MAIN)}", f"refs/heads/{MAIN}", "--", *roots
            ).splitlines()
        return []

    def identity(self) -> str:
        """Return `Name <email>` of the person at the keyboard."""
        try:
            return self._git("var", "GIT_COMMITTER_IDENT").rsplit(" ", 2)[0]
        except CommandError as error:
            raise PromotionError(
                "no-identity",
                "git does not know who you are, and a release says who made it",
                fix='git config user.name "…" && git config user.email "…"',
            ) from error

    def author(self, commit: str) -> str:
        """Return `Name <email>` of the author of `commit`."""
        return self._git("show", "--no-patch", "--no-show-signature", "--format=%an <%ae>", commit)

    def commits_about(self, text: str, path: str, head: str) -> list[str]:
        """Return the commits up to `head` that added `text` to the file `path` or removed it, newest first."""
        options = ("--first-parent", "--no-show-signature", "--format=%H", f"-S{text}")
        return self._git("log", *options, head, "--", path).splitlines()

    def signs(self) -> bool:
        """Return whether git is told to sign commits."""
        return self.settings.is_on("commit.gpgsign")

    def signer(self, commit: str) -> str | None:
        """Return the signer of `commit` as git knows them; None where `git verify-commit` finds no good signature.

        Git knows an SSH key from `gpg.ssh.allowedSignersFile`, and a GPG key from the keyring.
        """
        try:
            self._git("verify-commit", commit)
        except CommandError:
            return None
        return self._git("show", "--no-patch", "--format=%GS", commit)

    def tree(self, commit: str, *roots: str) -> Tree:
        """Return the tree of `commit`: all of it, or what is at or below `roots`."""
        return Tree(dict(self._objects.files(commit, roots)), self)

    def read(self, name: str) -> bytes:
        """Return the content of the object `name`: an id, or another name that git knows, like `COMMIT:PATH`."""
        return self._objects.read(name)

    def read_ahead(self, oids: Iterable[str]) -> None:
        """Read the contents of many blobs; one question for each would take much longer."""
        self._objects.read_ahead(oids)

    # What is written

    def write_blob(self, content: bytes) -> File:
        """Store `content` and return it as a regular file."""
        return File("100644", self._git("hash-object", "-w", "--stdin", stdin=content))

    def write_files(self, files: Iterable[Path]) -> list[File]:
        """Store the contents of files on disk, byte for byte, and return each as a regular file."""
        names = [os.fsencode(file.resolve()) for file in files]
        options = ("-w", "--no-filters", "--stdin-paths")
        oids = self._git("hash-object", *options, stdin=b"".join(name + b"\n" for name in names)).splitlines()
        return [File("100644", oid) for oid in oids]

    def commit(self, tree: Tree, parent: str | None, message: str, at: datetime, *, sign: bool = True) -> str:
        """Store `tree` as a commit on `parent`, made `at` that moment, without moving any ref; return its id.

        It is signed if git is told to sign, unless it is one that nobody keeps (`sign` is false).
        """
        entries = "".join(f"{file.mode} {file.oid}\t{path}\0" for path, file in tree.items())
        with tempfile.TemporaryDirectory(prefix="promotion-") as folder:
            index = str(Path(folder) / "index")
            self._git(
                "update-index",
                "-z",
                "--index-info",
                stdin=entries.encode(errors="surrogateescape"),
                GIT_INDEX_FILE=index,
            )
            oid = self._git("write-tree", GIT_INDEX_FILE=index)
        options = ["-p", parent] if parent else []
        if sign and self.signs():
            options.append("-S")
        date = at.astimezone().isoformat(timespec="seconds")
        dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        return self._git("commit-tree", *options, oid, stdin=message.encode(errors="surrogateescape"), **dates)

    def push(self, branch: str, commit: str | None, expected: str | None) -> None:
        """Move the remote's `branch` from `expected` to `commit`; None stands for no branch.

        Raises `Conflict` when the branch has moved before; then nothing was written.
        """
        ref = f"refs/heads/{branch}"
        lease = f"--force-with-lease={ref}:{expected or ''}"
        options = ("--quiet", "--no-follow-tags", "--no-recurse-submodules", lease)
        with HookWatch() as watch:
            try:
                self._git("push", *options, self.remote, f"{commit or ''}:{ref}", GIT_TRACE2_EVENT=watch.events)
            except CommandError as error:
                if hook := watch.stopped_by("pre-push"):
                    raise _stopped_push(branch, hook, error) from error
                self._explain_failed_push(branch, commit, expected, error)

    def _explain_failed_push(
        self, branch: str, commit: str | None, expected: str | None, error: CommandError
    ) -> None:
        """Ask the remote what happened: a connection can also break after the push has arrived."""
        try:
            self.fetch()
        except PromotionError as unreachable:
            raise PromotionError(
                "push-unknown",
                f"the push to {branch} failed, and the remote does not say whether it arrived:\n{error.stderr}",
                fix=f"once the remote can be reached again: scripts/status.py {branch.split('/')[1]}",
            ) from unreachable
        now = self.head(branch)
        if now == commit or (now and commit in self.history(now)):
            return
        if now != expected:
            raise Conflict(
                "lost-race",
                f"{branch} moved on the remote while this command ran",
                fix="run the command again",
            ) from error
        raise PromotionError(
            "push-refused",
            f"the remote refused the push to {branch}:\n{error.stderr}",
            fix=f"check that you may write {branch} on {self.remote}"
            + (", or propose the release: add --pr" if branch.startswith("env/") else ""),
        ) from error


def _stopped_push(branch: str, hook: str, error: CommandError) -> PromotionError:
    said = "\n".join(filter(None, (error.stdout.strip(), error.stderr)))
    return PromotionError(
        "push-stopped",
        f"the hook {hook} of this clone stopped the push to {branch}, and nothing was written:\n{said}",
        fix="mend what the hook asks for, or let it pass this branch (`git help githooks`: pre-push); then run "
        "the command again",
    )
