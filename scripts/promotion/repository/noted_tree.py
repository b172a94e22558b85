"""A tree that notes what it is asked for: a result stays valid as long as the answers behind it stay the same."""

from __future__ import annotations

from collections.abc import Iterator

from promotion.repository.tree import File, Tree, folders


class NotedTree(Tree):
    """A view of `tree` with the questions that it was asked.

    A question is the path of a file, `FOLDER/` (whether there is such a folder) or `FOLDER/*` (what is below it).
    """

    def __init__(self, tree: Tree) -> None:
        vars(self).update(vars(tree))  # nothing is copied: there is a view for each pipeline
        self.questions: set[str] = set()

    def __getitem__(self, path: str) -> File:
        self.questions.add(path)
        return self._files[path]

    def __contains__(self, path: object) -> bool:
        self.questions.add(path)  # type: ignore[arg-type]
        return path in self._files

    def has_folder(self, path: str) -> bool:
        """Tell whether there is a file below `path`."""
        self.questions.add(f"{path}/")
        return super().has_folder(path)

    def paths_at(self, root: str) -> Iterator[str]:
        """Yield the path `root` itself and those below it."""
        self.questions |= {root, f"{root}/*"}
        return super().paths_at(root)


def changed_answers(before: Tree, after: Tree) -> Iterator[str]:
    """Yield the questions that `before` and `after` answer differently."""
    for path in before.differences(after):
        yield path
        if path not in before or path not in after:
            for folder in folders(path):
                yield f"{folder}/*"
                if before.has_folder(folder) != after.has_folder(folder):
                    yield f"{folder}/"
