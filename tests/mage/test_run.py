"""Pipelines run in one process as Mage's scheduler runs them: one project, run once, looked at from all sides."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from mage.projects import Block, write_project
from runtime.binding import bind_locally
from runtime.postgres import Server
from runtime.run import BlockResult, Run, RunResult, run_pipelines

LOAD = Block(
    "load",
    """
    import pandas as pd

    @data_loader
    def load(*args, **kwargs):
        print('three rows')
        return pd.DataFrame({'n': [1, 2, 3]})
    """,
    type="data_loader",
)
PASS_ON = """
    @transformer
    def pass_on(data, *args, **kwargs):
        return data
"""

TEST = """
    @test
    def few(data, *_):
        assert len(data) < 3, 'too many'
"""
BROKEN_CALLBACK = """
    @callback('success')
    def tell(*args, **kwargs):
        return no_line
"""
SQUARE_IN_R = """
    transform <- function(df_1, ...) {
      cat('from R')
      df_1$n <- df_1$n^2
      df_1
    }
"""


def note(name: str, expression: str, decorator: str = "transformer", upstream: tuple[str, ...] = ()) -> Block:
    """Return a block that writes the value of `expression` to a file of NOTES named after the block."""
    code = f"""
    import datetime, json, os
    @{decorator}
    def note(*args, **kwargs):
        with open(os.path.join(os.environ['NOTES'], '{name}'), 'a') as file:
            file.write(str({expression}) + '\\n')
    """
    return Block(name, code, upstream, type=decorator)


def triggering(name: str, pipeline: str) -> Block:
    """Return a block that starts `pipeline` and waits for its end."""
    code = f"""
    from mage_ai.orchestration.triggers.api import trigger_pipeline

    @custom
    def triggering(*args, **kwargs):
        run = trigger_pipeline('{pipeline}', check_status=True, error_on_failure=True, poll_timeout=5)
        return run.status.value
    """
    return Block(name, code, type="custom")


def product(name: str) -> Block:
    """Return a block that takes the global data product of its name."""
    configuration = {"global_data_product": {"uuid": name}}
    return Block(name, type="global_data_product", options={"configuration": configuration})


PRODUCTS = """
answer: {object_type: pipeline, object_uuid: product, outdated_after: {weeks: 1}, settings: {made: {}}}
none: {object_type: pipeline, object_uuid: broken_code, outdated_after: {weeks: 1}, settings: {broken: {}}}
"""
CALLBACK = """
    import os
    @callback('success')
    def succeeded(parent_block_data, **kwargs):
        write('success', **kwargs)

    @callback('failure')
    def failed(parent_block_data, **kwargs):
        write('failure', **kwargs)

    def write(what, **kwargs):
        with open(os.path.join(os.environ['NOTES'], 'callback'), 'a') as file:
            file.write(f"{kwargs['pipeline_uuid']} {kwargs['parent_block_uuid']} {what}\\n")
"""
PIPELINES = {
    "plain": [LOAD, Block("copy", PASS_ON, ["load"])],
    "variables": [
        note("merged", "(kwargs['low'], kwargs['high'])"),
        note("date", "repr(kwargs['execution_date'])"),
        note("environment", "(os.getenv('ENV'), os.getenv('OF_THE_DEVELOPER'))"),
        note("imported", "sorted({'sklearn', 'IPython'} & __import__('sys').modules.keys())"),
    ],
    "broken_test": [
        LOAD,
        Block("tested", PASS_ON + TEST, ["load"]),
        Block("after", PASS_ON, ["tested"]),
        note("beside", "1", upstream=("load",)),
        Block("report", CALLBACK, ["load", "tested"], type="callback"),
    ],
    "broken_code": [Block("broken", "@custom\ndef broken(*args, **kwargs):\n    return 1 / 0\n", type="custom")],
    "condition": [
        LOAD,
        Block("guarded", PASS_ON, ["load"]),
        Block("below", PASS_ON, ["guarded"]),
        Block("never", "@condition\ndef no(*_, **__):\n    return False\n", ["guarded"], type="conditional"),
    ],
    "true_condition": [
        LOAD,
        Block("always", "@condition\ndef yes(*_, **__):\n    return True\n", ["load"], type="conditional"),
    ],
    "broken_condition": [
        LOAD,
        Block("typo", "@condition\ndef no(*_, **__):\n    return flase\n", ["load"], type="conditional"),
    ],
    "broken_callback": [
        LOAD,
        Block("loud", BROKEN_CALLBACK, ["load"], type="callback"),
    ],
    "no_file": [Block("lost", "", options={"configuration": {}})],
    "dynamic": [
        Block(
            "split",
            """
            @data_loader
            def split(*args, **kwargs):
                return [[10, 20, 30], [{'block_uuid': f'part_{i}'} for i in range(3)]]
            """,
            type="data_loader",
            options={"configuration": {"dynamic": True}},
        ),
        Block(
            "double",
            "@transformer\ndef double(n, *args, **kwargs):\n    return 2 * n\n",
            ["split"],
            options={"configuration": {"reduce_output": True}},
        ),
        note("together", "sorted(args[0])", upstream=("double",)),
    ],
    "ready": [Block("ready", "@sensor\ndef ready(*args, **kwargs):\n    return True\n", type="sensor")],
    "waiting": [Block("waiting", "@sensor\ndef waiting(*args, **kwargs):\n    return False\n", type="sensor")],
    "replica": [
        LOAD,
        Block("first", PASS_ON, ["load"]),
        Block("second", "", ["first"], options={"replicated_block": "first"}),
    ],
    "retried": [
        Block(
            "retried",
            """
            import os, pathlib
            @data_loader
            def retried(*args, **kwargs):
                attempts = pathlib.Path(os.environ['NOTES'], 'attempts')
                attempts.write_text('x' + (attempts.read_text() if attempts.exists() else ''))
                assert len(attempts.read_text()) == 3
            """,
            type="data_loader",
            options={"retry_config": {"retries": 2, "delay": 0}},
        )
    ],
    "in_a_pod": [Block("load", LOAD.code, type="data_loader", options={"executor_type": "k8s"})],
    "to_sql": [
        LOAD,
        Block(
            "store",
            "SELECT n, n * n AS square FROM {{ df_1 }}",
            ["load"],
            type="data_exporter",
            language="sql",
            options={
                "configuration": {
                    "data_provider": "postgres",
                    "data_provider_profile": "default",
                    "data_provider_schema": "public",
                    "data_provider_table": "squares",
                    "export_write_policy": "replace",
                }
            },
        ),
    ],
    "in_r": [
        LOAD,
        Block("square", SQUARE_IN_R, ["load"], language="r"),
    ],
    "exits": [Block("gone", "import os\n@custom\ndef gone(*args, **kwargs):\n    os._exit(3)\n", type="custom")],
    "killed": [
        LOAD,
        Block("shot", "import os\n@transformer\ndef shot(*_, **__):\n    os.kill(os.getpid(), 9)\n", ["load"]),
    ],
    "slow_block": [
        Block(
            "slow",
            "import subprocess\n@custom\ndef slow(*args, **kwargs):\n    subprocess.run(['sleep', '60.0625'])\n",
            type="custom",
            options={"timeout": 1},
        )
    ],
    "product": [Block("made", "@data_loader\ndef made(*args, **kwargs):\n    return 42\n", type="data_loader")],
    "takes_product": [
        product("answer"),
        note("told", "args[0]", upstream=("answer",)),
    ],
    "broken_product": [product("none")],
    "triggers": [triggering("triggered", "product"), note("afterwards", "args[0]", upstream=("triggered",))],
    "triggers_broken": [triggering("triggered_broken", "broken_code")],
    "last": [LOAD],
}  # fmt: skip


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notes")


@pytest.fixture(scope="module")
def warehouse(server: Server) -> Iterator[str]:
    name = f"run_{uuid.uuid4().hex[:12]}"
    server.create_database(name)
    yield name
    server.drop_database(name)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a folder with spaces")
    made = write_project(folder, PIPELINES, variables={"variables": {"low": "pipeline", "high": "pipeline"}})
    (made / "global_data_products.yaml").write_text(PRODUCTS)
    return made


def state(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(p): (p.stat().st_mtime_ns, p.stat().st_size) for p in folder.rglob("*")}


@pytest.fixture(scope="module")
def untouched(project: Path) -> dict[str, tuple[int, int]]:
    for path in [project, *project.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    return state(project)


@pytest.fixture(scope="module")
def results(project: Path, untouched: object, notes: Path, server: Server, warehouse: str) -> dict[str, RunResult]:
    bound = bind_locally((project / "io_config.yaml").read_text(), ["default"], {}, [], server, warehouse)
    environment = bound | {"NOTES": str(notes), "ENV": "staging"}
    os.environ["OF_THE_DEVELOPER"] = "set"
    runs = [Run(name) for name in PIPELINES if name not in ("variables", "in_r")]
    runs.insert(1, Run("variables", {"high": "run", "execution_date": "2013-02-08"}))
    runs.append(Run("absent"))
    if shutil.which("Rscript"):
        runs.append(Run("in_r"))
    done = list(run_pipelines(project, runs, environment=environment, sensor_seconds=0.5))
    return {result.pipeline: result for result in done}


def statuses(result: RunResult) -> dict[str, str]:
    return {block.block: block.status for block in result.blocks}


def block(result: RunResult, name: str) -> BlockResult:
    return next(block for block in result.blocks if block.block == name)


def test_every_run_has_a_result(results: dict[str, RunResult]) -> None:
    assert list(results)[: len(PIPELINES) - 1] == [name for name in PIPELINES if name != "in_r"]


def test_a_run_reports_each_block_in_order(results: dict[str, RunResult]) -> None:
    assert [b.block for b in results["plain"].blocks] == ["load", "copy"]
    assert results["plain"].status == "completed"


def test_a_block_reports_its_rows(results: dict[str, RunResult]) -> None:
    assert block(results["plain"], "copy").rows == 3


def test_a_block_reports_what_it_printed(results: dict[str, RunResult]) -> None:
    assert block(results["plain"], "load").output == "three rows\n"


def test_a_block_reports_how_long_it_took(results: dict[str, RunResult]) -> None:
    assert 0 < block(results["plain"], "load").seconds < results["plain"].seconds


@pytest.mark.usefixtures("results")
def test_run_variables_win_over_those_of_the_pipeline(notes: Path) -> None:
    assert (notes / "merged").read_text() == "('pipeline', 'run')\n"


@pytest.mark.usefixtures("results")
def test_the_execution_date_arrives_as_a_date_in_utc(notes: Path) -> None:
    expected = "datetime.datetime(2013, 2, 8, 0, 0, tzinfo=datetime.timezone.utc)\n"
    assert (notes / "date").read_text() == expected


@pytest.mark.usefixtures("results")
def test_blocks_see_the_environment_they_are_given_and_not_that_of_the_developer(notes: Path) -> None:
    assert (notes / "environment").read_text() == "('staging', None)\n"


@pytest.mark.usefixtures("results")
def test_mage_starts_without_packages_that_it_hardly_uses(notes: Path) -> None:
    assert (notes / "imported").read_text() == "[]\n"


def test_a_failing_test_fails_its_block_and_says_which_assertion_where(results: dict[str, RunResult]) -> None:
    tested = block(results["broken_test"], "tested")
    assert tested.status == "failed"
    assert tested.error is not None
    assert tested.error.endswith("too many (transformers/tested.py:12)")


def test_after_a_failure_descendants_do_not_run_and_other_branches_do(results: dict[str, RunResult]) -> None:
    after, beside = (block(results["broken_test"], name).status for name in ("after", "beside"))
    assert (after, beside) == ("upstream_failed", "completed")


def test_a_run_with_a_failed_block_has_failed(results: dict[str, RunResult]) -> None:
    assert (results["broken_test"].status, results["broken_test"].error) == ("failed", "failed: tested")


@pytest.mark.usefixtures("results")
def test_callbacks_hear_of_success_and_failure(notes: Path) -> None:
    heard = (notes / "callback").read_text().splitlines()
    assert sorted(heard) == ["broken_test load success", "broken_test tested failure"]


def test_an_exception_is_reported_with_its_place(results: dict[str, RunResult]) -> None:
    assert block(results["broken_code"], "broken").error == "division by zero (custom/broken.py:7)"


def test_a_false_condition_skips_the_block_and_its_descendants(results: dict[str, RunResult]) -> None:
    assert statuses(results["condition"]) == {"load": "completed", "guarded": "skipped", "below": "skipped"}


def test_a_run_with_skipped_blocks_completes(results: dict[str, RunResult]) -> None:
    assert results["condition"].status == "completed"


def test_a_true_condition_lets_the_block_run(results: dict[str, RunResult]) -> None:
    assert statuses(results["true_condition"]) == {"load": "completed"}


def test_a_condition_that_breaks_fails_the_run(results: dict[str, RunResult]) -> None:
    assert results["broken_condition"].status == "failed"
    assert "name 'flase' is not defined" in str(block(results["broken_condition"], "load").error)


def test_a_callback_that_breaks_fails_the_run(results: dict[str, RunResult]) -> None:
    assert results["broken_callback"].status == "failed"
    assert "'no_line' is not defined" in str(block(results["broken_callback"], "load").error)


def test_a_block_without_code_fails(results: dict[str, RunResult]) -> None:
    assert "does not have any decorated functions" in str(block(results["no_file"], "lost").error)


def test_a_dynamic_block_runs_its_child_once_for_each_value(results: dict[str, RunResult]) -> None:
    children = {name for name in statuses(results["dynamic"]) if name.startswith("double:")}
    assert children == {"double:part_0", "double:part_1", "double:part_2"}


@pytest.mark.usefixtures("results")
def test_reduced_output_arrives_together(notes: Path) -> None:
    assert (notes / "together").read_text() == "[20, 40, 60]\n"


def test_a_sensor_that_is_true_completes(results: dict[str, RunResult]) -> None:
    assert statuses(results["ready"]) == {"ready": "completed"}


def test_a_sensor_that_stays_false_fails_after_its_time(results: dict[str, RunResult]) -> None:
    waiting = block(results["waiting"], "waiting")
    assert waiting.error is not None
    assert waiting.error.startswith("not true within 0.5 s")
    assert waiting.seconds < 5


def test_a_replicated_block_runs_under_its_own_name(results: dict[str, RunResult]) -> None:
    assert statuses(results["replica"]) == {"load": "completed", "first": "completed", "second:first": "completed"}


def test_a_block_is_retried_as_its_configuration_says(results: dict[str, RunResult]) -> None:
    assert statuses(results["retried"]) == {"retried": "completed"}


def test_a_block_meant_for_a_pod_runs_here(results: dict[str, RunResult]) -> None:
    assert block(results["in_a_pod"], "load").rows == 3


def test_a_sql_block_writes_to_the_bound_database(
    results: dict[str, RunResult], server: Server, warehouse: str
) -> None:
    assert results["to_sql"].status == "completed"
    with psycopg2.connect(server.url(warehouse)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT n, square FROM squares ORDER BY n")
        assert cursor.fetchall() == [(1, 1), (2, 4), (3, 9)]


@pytest.mark.skipif(not shutil.which("Rscript"), reason="no Rscript: install R to run R blocks")
def test_an_r_block_runs_and_reports_what_it_printed(results: dict[str, RunResult]) -> None:
    square = block(results["in_r"], "square")
    assert (square.rows, square.output) == (3, "from R")


def test_a_global_data_product_is_made_when_a_block_asks_for_it(
    results: dict[str, RunResult], notes: Path
) -> None:
    assert results["takes_product"].status == "completed", results["takes_product"]
    assert (notes / "told").read_text() == "{'made': [42]}\n"


def test_a_global_data_product_that_fails_fails_the_run(results: dict[str, RunResult]) -> None:
    assert statuses(results["broken_product"]) == {"none": "failed"}


def test_a_pipeline_that_a_block_starts_runs_before_the_block_goes_on(
    results: dict[str, RunResult], notes: Path
) -> None:
    assert results["triggers"].status == "completed", results["triggers"]
    assert (notes / "afterwards").read_text() == "completed\n"


def test_a_started_pipeline_that_fails_fails_the_block_that_wants_it_so(results: dict[str, RunResult]) -> None:
    assert "broken_code: failed" in str(block(results["triggers_broken"], "triggered_broken").error)


def test_a_block_that_exits_is_a_failed_run(results: dict[str, RunResult]) -> None:
    assert "exited with code 3" in str(block(results["exits"], "gone").error)


def test_a_killed_process_is_a_failed_run_that_keeps_what_was_done(results: dict[str, RunResult]) -> None:
    assert statuses(results["killed"]) == {"load": "completed", "shot": "failed"}
    assert "killed by SIGKILL" in str(results["killed"].error)


def test_a_block_over_its_timeout_is_stopped(results: dict[str, RunResult]) -> None:
    slow = block(results["slow_block"], "slow")
    assert slow.error == "timed out after 1 s"


@pytest.mark.usefixtures("results")
def test_a_stopped_block_leaves_no_program_behind() -> None:
    commands = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if p.exists()]
    assert b"sleep\x0060.0625\x00" not in commands


def test_runs_after_a_lost_process_still_run(results: dict[str, RunResult]) -> None:
    assert results["last"].status == "completed"


def test_a_pipeline_that_does_not_exist_is_a_failed_run(results: dict[str, RunResult]) -> None:
    assert "pipelines/absent/metadata.yaml does not exist" in str(results["absent"].error)


@pytest.mark.usefixtures("results")
def test_the_project_is_not_written_to(project: Path, untouched: dict[str, tuple[int, int]]) -> None:
    assert state(project) == untouched


def test_a_run_over_its_time_is_stopped(tmp_path: Path) -> None:
    endless = Block("endless", "import time\n@custom\ndef endless(*args):\n    time.sleep(60)\n", type="custom")
    project = write_project(tmp_path, {"endless": [endless]})
    started = time.monotonic()
    (result,) = run_pipelines(project, [Run("endless")], environment={}, timeout=1)
    assert "timed out after" in str(result.error)
    assert time.monotonic() - started < 30
