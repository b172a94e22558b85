"""The hooks of this clone that git runs on the way."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from types import TracebackType


class HookWatch:
    """Has git write down which hooks it starts; the only other sign of one that fails is what it happens to say.

    `git help api-trace2` has the events: `child_start` with the hook's name, `child_exit` with its exit code.
    """

    def __enter__(self) -> HookWatch:
        self._folder = tempfile.TemporaryDirectory(prefix="promotion-")
        self._events = Path(self._folder.name) / "events"
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._folder.cleanup()

    @property
    def events(self) -> str:
        """Where git writes its events: the value of its variable `GIT_TRACE2_EVENT`."""
        return str(self._events)

    def stopped_by(self, name: str) -> str | None:
        """Return the path of the hook `name` if it ran and failed, as git found it: see `core.hooksPath`."""
        path, started = None, None
        text = self._events.read_text(errors="replace") if self._events.exists() else ""
        for event in map(json.loads, text.splitlines()):
            child = event["sid"], event.get("child_id")
            if started is None and event.get("hook_name") == name:  # a hook may call git, too
                path, started = str(event["argv"][0]), child
            elif event["event"] == "child_exit" and child == started:
                return path if event["code"] else None
        return None
