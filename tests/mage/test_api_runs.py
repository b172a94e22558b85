"""Runs through the API of a real Mage, told as `scripts/run.py` tells those on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext

import pytest

from mage.pods import Database, Pod, copy_of, running
from mage.projects import Block, write_project
from mage_pod.mage_api import MageApi
from promotion.smoke.sandboxes.api_runs import run_through_api
from runtime.run import Run, RunResult

LOADER = "@data_loader\ndef load(*_, **kwargs):\n    {}\n"
CALLBACK = "@callback('success')\ndef done(*_, **__):\n    raise ValueError('spilled milk')\n"
NO = "@condition\ndef no(*_, **__):\n    return False\n"


def loader(pipeline: str, line: str) -> Block:
    return Block(f"load_{pipeline}", LOADER.format(line), type="data_loader")


PIPELINES = {
    "dated": [loader("dated", "assert str(kwargs['execution_date'].date()) == '2013-02-08'")],
    "told": [loader("told", "assert kwargs['share'] == 0.2")],
    "spoiled": [
        loader("spoiled", "print('the milk is warm'); raise ValueError('no milk')"),
        Block("drink", upstream=["load_spoiled"]),
    ],
    "spilled": [loader("spilled", "return [1]"), Block("after", CALLBACK, ["load_spilled"], type="callback")],
    "skipped": [loader("skipped", "return [1]"), Block("whether", NO, ["load_skipped"], type="conditional")],
}
Try = Callable[..., RunResult]


@pytest.fixture(scope="module")
def run(template: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Try]:
    """Run a pipeline of a Mage as in the chart's pods; the first time, an answer is lost while it runs."""
    project = write_project(tmp_path_factory.mktemp("api runs"), PIPELINES)
    owner = {"DEFAULT_OWNER_EMAIL": "owner@example.com", "DEFAULT_OWNER_PASSWORD": "correct horse"}
    with copy_of(template) as database, ExitStack() as pods:
        web = pods.enter_context(running(Pod("web", project, database, **owner)))
        scheduler = Pod("scheduler", project, database, SCHEDULER_TRIGGER_INTERVAL="1")
        pods.enter_context(running(scheduler))
        for pod in (web, scheduler):
            pod.wait_until_ready()
        api = MageApi(f"http://127.0.0.1:{web.port}")
        api.log_in(owner["DEFAULT_OWNER_EMAIL"], owner["DEFAULT_OWNER_PASSWORD"])
        connections = iter([api, MageApi("http://127.0.0.1:9"), *[api] * 100])
        yield lambda pipeline, **variables: run_through_api(
            lambda: nullcontext(next(connections)), Run(pipeline, variables), list
        )


def test_the_day_of_a_run_is_a_date_as_in_scheduled_runs(run: Try) -> None:
    result = run("dated", execution_date="2013-02-08")
    assert result.status == "completed", result


def test_variables_reach_blocks_with_their_types(run: Try) -> None:
    result = run("told", share=0.2)
    assert result.status == "completed", result


def test_two_runs_of_one_day_are_two_runs(run: Try) -> None:
    results = [run("dated", execution_date="2013-02-08") for _ in range(2)]
    assert [result.status for result in results] == ["completed", "completed"]


def test_a_block_that_fails_is_told_with_its_reason_and_its_log(run: Try) -> None:
    result = run("spoiled")
    assert [(block.block, block.status) for block in result.blocks] == [
        ("load_spoiled", "failed"),
        ("drink", "upstream_failed"),
    ]
    assert "ValueError: no milk" in str(result.blocks[0].error)
    assert "the milk is warm" in str(result.blocks[0].error)


def test_another_day_is_told_apart(run: Try) -> None:
    result = run("dated", execution_date="2013-02-09")
    assert result.status == "failed"


def test_a_callback_that_fails_fails_the_run(run: Try) -> None:
    result = run("spilled")
    assert result.status == "failed"
    assert "spilled milk" in str(result.blocks[0].error)


def test_a_block_whose_condition_is_false_is_skipped(run: Try) -> None:
    result = run("skipped")
    assert (result.status, result.blocks[0].status) == ("completed", "skipped")
