"""Try a release as its users would, for `helm test`; print one line for each check.

    python3 -m mage_pod.release_test web | executor

web reads WEB_URL (with the base path), WEB_OPEN, OWNER_EMAIL, OWNER_PASSWORD, SCHEDULES_FILE, TEST_PIPELINE (if
empty, none is run) and TEST_TIMEOUT (seconds). executor checks what the scheduler's account, which is also this
pod's, may do in the cluster.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg2

from mage_pod import mage_runs, schema
from mage_pod.credentials import ACCOUNT, CredentialsError
from mage_pod.database import DatabaseSettingsError
from mage_pod.executor_rights import wrong_rights
from mage_pod.mage_api import ApiError, MageApi
from mage_pod.schedules import fields, flat, told
from mage_pod.waiting import NotInTime, until

_CLOSED = (401, 403, 404)
# Even where they are let in, these requests change nothing.
# MAGE.md: served-without-login
_ENDPOINTS = {
    "events": ("/api/event_matchers", "/api/events"),
    "event-streams": ("/event-streams/none",),
    "analyses": ("/api/pipelines/none/blocks/none/analyses",),
    "status": ("/api/status?_format=with_activity_details",),
    "terminal": ("/websocket/terminal",),
    "metrics": ("/metrics",),
}
# MAGE.md: well-known-owner
_REFUSED = "password invalid"  # in Mage's words

Check = Callable[[], None]


class CheckFailed(Exception):
    """A check failed; the message says what is wrong, and the fix."""


def main(part: str, account: Path = ACCOUNT) -> int:
    """Check one part of the release; return the exit code."""
    if part == "web" and not _passes("the web answers", lambda: wait_for_web(os.environ["WEB_URL"])):
        return 1
    checks = web_checks(os.environ) if part == "web" else executor_checks(account)
    passed = [_passes(name, check) for name, check in checks.items()]
    return 0 if all(passed) else 1


def _passes(name: str, check: Check) -> bool:
    """Do a check and print its line."""
    try:
        check()
    except (CheckFailed, ApiError, CredentialsError, DatabaseSettingsError, psycopg2.Error, KeyError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())
        print(f"FAILED {name}: {reason}", flush=True)
        return False
    print(f"ok     {name}", flush=True)
    return True


def wait_for_web(url: str, seconds: float = 60) -> None:
    """Wait until anything answers: network policies let a new pod connect only after some seconds."""
    try:
        until(lambda: MageApi(url).request("GET", "/"), "an answer of the web", seconds, retry=ApiError)
    except NotInTime as late:
        raise CheckFailed(f"{late.seen}. Look at the web's pod, and at its network policy.") from None


def executor_checks(account: Path) -> dict[str, Check]:
    """Return the checks of the scheduler's account, by name."""

    def rights() -> None:
        if wrong := wrong_rights(account):
            raise CheckFailed(f"{'; '.join(wrong)}. Give its Role exactly the rules of the chart's Role.")

    return {"the scheduler's account may run executor Jobs and nothing else": rights}


def web_checks(environ: Mapping[str, str]) -> dict[str, Check]:
    """Return the checks of the web, by name; all of them use the session that the first one begins."""
    web = Web(environ)
    checks: dict[str, Check] = {
        "the owner can log in": web.owner_logs_in,
        "Mage's well-known password does not let anybody in": web.default_password_is_refused,
        "what Mage serves without a login is closed": web.endpoints_are_closed,
        "the schema is at head": web.schema_is_at_head,
        "schedules are as in values": web.schedules_are_as_in_values,
    }
    if pipeline := environ.get("TEST_PIPELINE"):
        checks[f"the pipeline {pipeline} completes"] = lambda: web.completes(pipeline)
    return checks


class Web:
    """The checks of a release's web server."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._api = MageApi(environ["WEB_URL"])

    def owner_logs_in(self) -> None:
        """The password in the Secret is the one in the database."""
        try:
            self._api.log_in(self._environ["OWNER_EMAIL"], self._environ["OWNER_PASSWORD"])
        except ApiError as error:
            raise CheckFailed(
                f"{error}. Look at the web's log; if the password was changed in the UI, put it into the key "
                "owner-password of the credentials Secret."
            ) from None

    def default_password_is_refused(self) -> None:
        """Nobody can log in as Mage's default owner."""
        try:
            MageApi(self._environ["WEB_URL"]).log_in("admin@admin.com", "admin")
        except ApiError as error:
            if _REFUSED in str(error):
                return
            raise  # no answer is not a refusal
        raise CheckFailed("admin@admin.com logs in with the password admin. Change it in the UI now.")

    def endpoints_are_closed(self) -> None:
        """Endpoints that web.open does not name refuse a request without a login."""
        opened = self._environ.get("WEB_OPEN", "").split(",")
        wanted = [path for name, paths in _ENDPOINTS.items() if name not in opened for path in paths]
        answers = {path: self._api.request("GET", path)[0] for path in wanted}
        if let_in := [f"{path} (status {status})" for path, status in answers.items() if status not in _CLOSED]:
            raise CheckFailed(
                f"{', '.join(let_in)} answer without a login. Make sure that the web's container runs "
                "mage_pod.web, and look at web.open."
            )

    def schema_is_at_head(self) -> None:
        """The database fits this image's Mage."""
        with schema.connected(self._environ) as connection:
            now = schema.revision(connection)
        if now != schema.head():
            raise CheckFailed(f"it is at {now}, not at {schema.head()}. Look at the log of the web's prepare.")

    def schedules_are_as_in_values(self) -> None:
        """The UI shows each schedule as values have it."""
        wanted = json.loads(Path(self._environ["SCHEDULES_FILE"]).read_text())
        if wrong := [line for name in sorted(wanted) for line in self._differences(name, wanted[name])]:
            raise CheckFailed(f"{'; '.join(wrong)}. `helm upgrade` brings them in line.")

    def _differences(self, key: str, schedule: Mapping[str, Any]) -> Iterator[str]:
        # MAGE.md: api-runs
        path = f"/api/pipelines/{schedule['pipeline']}/pipeline_schedules"
        triggers = self._api.call("GET", path)["pipeline_schedules"]
        target = fields(key, schedule, self._environ)
        trigger = next((trigger for trigger in triggers if trigger["name"] == target["name"]), None)
        if trigger is None:
            yield f"{schedule['pipeline']} has no trigger {target['name']}"
            return
        now, then = flat(told(trigger)), flat(target)
        for field in sorted({*now, *then}):
            if now.get(field) != then.get(field):
                yield f"{field} of {key} differs from values"

    def completes(self, pipeline: str) -> None:
        """A run goes from the web through the scheduler to its end."""
        seconds = int(self._environ.get("TEST_TIMEOUT") or "180")
        with mage_runs.temporary_trigger(self._api, pipeline, mage_runs.HELM_TEST, seconds) as trigger:
            number = mage_runs.start(self._api, trigger)
            run = mage_runs.ended(self._api, number, seconds)
            if run["status"] not in mage_runs.ENDED:
                mage_runs.cancel(self._api, number)
        if run["status"] != "completed":
            raise CheckFailed(f"run {number} is {run['status']}. {_why(run)}")


def _why(run: Mapping[str, Any]) -> str:
    """Say which blocks failed, or where to look if none did."""
    if not (failed := mage_runs.failures(run)):
        return "Look at the scheduler's log, or raise test.timeoutSeconds."
    told = "; ".join(f"{block}: {error}" for block, error in failed.items())
    return f"Blocks that failed: {told}. Look at their logs in the UI."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
