"""The web's pod: its real process, with a real database."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError
from tornado.websocket import websocket_connect

from mage.pods import Database, Pod, copy_of, is_alive, running
from mage.projects import Block, write_project
from mage_pod.waiting import until

API_KEY = "zkWlN0PkIKSN0C11CfUHUj84OT5XOJ6tDZ6bDRO2"  # the web UI's own, in every Mage
JSON = {"Content-Type": "application/json", "X-API-KEY": API_KEY}
OWNER = {
    "DEFAULT_OWNER_EMAIL": "owner@example.com",
    "DEFAULT_OWNER_USERNAME": "owner",
    "DEFAULT_OWNER_PASSWORD": "correct horse",
    "JWT_SECRET": "battery",
    "JWT_DOWNLOAD_SECRET": "staple",
    "WEB_DRAIN_SECONDS": "1",
}
CLOSED = [
    "/api/events",
    "/api/event_matchers",
    "/api/event_matchers/1",
    "/event-streams/x",
    "/api/pipelines/one/blocks/load/analyses",
    "/api/statuses?_format=with_activity_details",
    "/api/status?_format=with_activity_details",
]


def call(pod: Pod, path: str, body: object = None, **headers: str) -> Any:
    """Call Mage's API, as a server that is not logged in unless `headers` say so."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    request = urllib.request.Request(f"http://127.0.0.1:{pod.port}{path}", data, headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def log_in(pod: Pod, password: str = OWNER["DEFAULT_OWNER_PASSWORD"], base: str = "") -> dict[str, str]:
    """Return the headers of a session; none when the login was refused."""
    session = {"email": OWNER["DEFAULT_OWNER_EMAIL"], "password": password}
    answer = call(pod, f"{base}/api/sessions", {"session": session}, **JSON)
    if "session" not in answer:
        return {}
    return {"X-API-KEY": API_KEY, "Cookie": f"oauth_token={answer['session']['token']}"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    load = Block("load", "@data_loader\ndef load(*args, **kwargs):\n    return [1]\n", type="data_loader")
    return write_project(tmp_path_factory.mktemp("web"), {"one": [load]})


@pytest.fixture(scope="module")
def web(project: Path, template: Database) -> Iterator[Pod]:
    """A web server at work."""
    with copy_of(template) as database, running(Pod("web", project, database, **OWNER)) as pod:
        pod.wait_until_ready()
        yield pod


@pytest.fixture(scope="module")
def session(web: Pod) -> dict[str, str]:
    """The headers of the owner's session."""
    return log_in(web)


@pytest.fixture(scope="module")
def open_web(project: Path, template: Database) -> Iterator[Pod]:
    """A web server below a path, with all that can be opened open."""
    everything = "events,event-streams,analyses,status,terminal,metrics"
    variables = {"MAGE_BASE_PATH": "data/mage", "WEB_OPEN": everything, "DISABLE_NOTEBOOK_EDIT_ACCESS": "0"}
    with copy_of(template) as database, running(Pod("web", project, database, **OWNER, **variables)) as pod:
        pod.wait_until_ready()
        yield pod


def test_the_owner_can_log_in(web: Pod, session: dict[str, str]) -> None:
    pipelines = json.loads(web.get("/api/pipelines", **session)[1])["pipelines"]
    assert [pipeline["uuid"] for pipeline in pipelines] == ["one"]


def test_another_password_is_refused(web: Pod) -> None:
    assert log_in(web, "admin") == {}


def test_the_login_page_gets_what_it_asks_for(web: Pod) -> None:
    assert web.get("/sign-in")[0] == 200
    (status,) = call(web, "/api/statuses")["statuses"]
    assert status["require_user_authentication"] is True
    assert "last_scheduler_activity" not in status


@pytest.mark.parametrize("path", CLOSED)
def test_without_a_session_it_is_closed(web: Pod, path: str) -> None:
    assert web.get(path)[0] == 403
    assert web.get(path, Cookie="oauth_token=nonsense", **{"X-API-KEY": API_KEY})[0] == 403


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"event_matchers": []}', b"\xff"])
@pytest.mark.parametrize("path", ["/api/events", "/api/event_matchers"])
def test_nobody_can_post_events(web: Pod, path: str, body: bytes) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{web.port}{path}", body)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=10)


@pytest.mark.parametrize("path", ["/api/event_matchers", "/api/pipelines/one/blocks/load/analyses", CLOSED[-1]])
def test_a_session_opens_what_is_closed(web: Pod, session: dict[str, str], path: str) -> None:
    assert "error" not in json.loads(web.get(path, **session)[1])


@pytest.mark.parametrize("path", ["/api/event_matchers", "/api/pipelines/one/blocks/load/analyses", CLOSED[-1]])
def test_what_was_opened_is_open(open_web: Pod, path: str) -> None:
    assert "error" not in json.loads(open_web.get(f"/data/mage{path}")[1])


def test_the_terminal_starts_no_shell(web: Pod) -> None:
    async def connect() -> None:
        await websocket_connect(f"ws://127.0.0.1:{web.port}/websocket/terminal")

    with pytest.raises(HTTPClientError, match="403"):
        asyncio.run(connect())
    assert web.processes() == []


def test_below_a_path_the_ui_and_the_login_work(open_web: Pod) -> None:
    page = open_web.get("/data/mage/sign-in")[1]
    assert 'src="/data/mage/_next/static/' in page
    script = re.search('/data/mage/_next/static/[^"]*js', page)
    assert script
    assert open_web.get(script[0])[0] == 200
    assert log_in(open_web, base="/data/mage")
    assert open_web.get("/-/live")[0] == 200


def test_while_the_database_is_away_it_is_alive_but_not_ready(web: Pod) -> None:
    with web.database.away():
        status, reason = web.get("/-/ready")
        assert (status, reason.split(":")[0]) == (503, "the database")
        assert web.get("/-/live") == (200, "ok\n")
    web.wait_until_ready()
    assert log_in(web)


def test_with_a_schema_of_another_version_it_is_not_ready(project: Path, template: Database) -> None:
    with copy_of(template) as database:
        database.ask("UPDATE alembic_version SET version_num = 'from_the_future'")
        with running(Pod("web", project, database, **OWNER)) as pod:
            until(lambda: pod.get("/-/live")[0] == 200, "alive", 60)
            assert "the schema is at from_the_future, but this image needs" in pod.get("/-/ready")[1]


def test_nothing_is_written_into_the_project(web: Pod) -> None:
    assert {path.name for path in web.project.iterdir()} == {
        "metadata.yaml",
        "io_config.yaml",
        "data_loaders",
        "pipelines",
    }


def test_a_busy_port_is_an_error(web: Pod) -> None:
    with running(Pod("web", web.project, web.database, **OWNER, MAGE_POD_PORT=str(web.port))) as second:
        assert second.exit_code(40) != 0
        assert "Address already in use" in second.log.read_text()


@pytest.mark.parametrize("started", ["web", "open_web"])
def test_at_the_end_it_still_answers_and_leaves_no_process(started: str, request: pytest.FixtureRequest) -> None:
    pod: Pod = request.getfixturevalue(started)
    kernels = pod.processes()
    assert bool(kernels) == (started == "open_web"), "a kernel where the notebook may be used, and only there"
    pod.terminate()
    until(lambda: pod.get("/-/ready") == (503, "stopping\n"), "stopping")
    assert pod.get("/-/live")[0] == 200
    assert pod.exit_code(10) == 0
    assert not any(is_alive(kernel) for kernel in kernels)
