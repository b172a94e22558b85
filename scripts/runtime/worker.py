"""Run pipelines of one project with Mage's own scheduler functions, block after block, in this one process.

    python worker.py EVENTS

Standard input brings one JSON document a line: first the project, then each run when it is wanted. EVENTS is
a descriptor for the answers, in the same form; standard output belongs to Mage and the blocks.
Each run is a PipelineRun in a throw-away metadata database, as if an API trigger had started it. So Mage decides
what is ready, what a false condition skips and how often a dynamic block runs, exactly as in its scheduler.
The parent (`run.py`) sets the environment, which Mage reads while it is imported.
"""

from __future__ import annotations

import functools
import gc
import importlib
import io
import json
import logging
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from mage_pod import deferred

Emit = Callable[..., None]

# MAGE.md: sql-sample
_SQL_SAMPLE = 1000  # Mage reads back no more of what an SQL block wrote
# A frame of a traceback. Mage executes a block as text: its file is "<string>".
# MAGE.md: block-is-text
_FRAME = re.compile(r'^  File "([^"]+)", line (\d+)', re.MULTILINE)
_ASSERTION = re.compile(r"^AssertionError(?:: (.+))?$", re.MULTILINE)
# MAGE.md: addon-errors-swallowed
ADDON_BROKE = re.compile(r'"Failed to execute (conditional|\w+ callback) block ')
_PROGRAM = "returned non-zero exit status"


class SensorNotReady(Exception):
    """A sensor's condition did not become true in the time that a run on this machine has."""


def main(events: int) -> None:
    """Serve runs until standard input ends, reporting every block."""
    requests = _own_input()
    request = json.loads(requests.readline())
    project = Path(request["project"])
    mage = Mage(project, request["sensor_seconds"])
    with os.fdopen(events, "w", buffering=1) as out:

        def emit(event: str, **content: Any) -> None:
            out.write(json.dumps({"event": event, **content}, default=str) + "\n")

        emit("ready")
        for line in requests:
            run = json.loads(line)
            mage.run(run["pipeline"], run["variables"], emit, run["block"])


def _or_environment(of_database: Callable[..., str | None]) -> Callable[..., str | None]:
    """Return a function that looks for a secret in the variable of its name, as pods do, before the database."""

    def get_secret_value(name: str, *arguments: Any, **options: Any) -> str | None:
        return os.environ[name] if name in os.environ else of_database(name, *arguments, **options)

    return get_secret_value


def _own_input() -> TextIO:
    """Take standard input away from the blocks: a block that reads it would take our requests."""
    requests = os.fdopen(os.dup(0))
    with open(os.devnull) as nothing:  # noqa: PTH123 a device
        os.dup2(nothing.fileno(), 0)
    return requests


class Mage:
    """The installed Mage, set up for `project` and adapted to runs on one machine."""

    def __init__(self, project: Path, sensor_seconds: float) -> None:
        gc.disable()  # no imported object is garbage
        # Only here: the import takes a second and reads MAGE_REPO_PATH, MAGE_DATA_DIR and the database's URL.
        deferred.import_mage()
        # MAGE.md: run-block
        from mage_ai.data_preparation import repo_manager
        from mage_ai.data_preparation.executors.executor_factory import ExecutorFactory
        from mage_ai.data_preparation.models import block
        from mage_ai.data_preparation.models.constants import ExecutorType
        from mage_ai.data_preparation.models.pipeline import Pipeline
        from mage_ai.data_preparation.shared import secrets
        from mage_ai.orchestration import pipeline_scheduler_original as scheduler
        from mage_ai.orchestration.db import db_connection, engine
        from mage_ai.orchestration.db.models.base import Base
        from mage_ai.orchestration.db.models.schedules import PipelineRun, PipelineSchedule
        from mage_ai.orchestration.triggers import api, global_data_product
        from sqlalchemy import event

        gc.freeze()
        gc.enable()
        # Mage renders metadata.yaml a dozen times for every block, and looks for two secret stores each time.
        # MAGE.md: metadata-rendered-again
        repo_manager.Template = functools.cache(repo_manager.Template)
        # MAGE.md: secret-stores-looked-for
        _remember_if_missing("mage_ai.services.aws.secrets_manager.secrets_manager")
        _remember_if_missing("mage_ai.services.azure.key_vault.key_vault")
        # MAGE.md: secrets-only-in-database
        secrets.get_secret_value = _or_environment(secrets.get_secret_value)
        self.project = project
        self.scheduler = scheduler
        self.pipeline = Pipeline
        self.pipeline_run = PipelineRun
        self.schedule = PipelineSchedule
        self.output = Output()
        event.listen(engine, "connect", _without_syncing)
        engine.dispose()  # of the connection that exists already
        Base.metadata.create_all(engine)
        db_connection.start_session()
        # A block may ask for a pod of its own; on this machine it runs like the others.
        # MAGE.md: block-asks-for-a-pod
        local = functools.partial(ExecutorFactory.get_block_executor, executor_type=ExecutorType.LOCAL_PYTHON)
        ExecutorFactory.get_block_executor = local
        # MAGE.md: run-waits-for-scheduler
        for module in (api, global_data_product):
            module.create_and_start_pipeline_run = self._run_at_once(module.create_and_start_pipeline_run)
        self.clock = SensorClock(sensor_seconds)
        # MAGE.md: sensor-sleeps-a-minute
        block.time = self.clock
        # MAGE.md: run-waits-for-scheduler
        global_data_product.sleep = self.clock.sleep  # before it looks at a run that has ended
        # MAGE.md: print-goes-to-log
        block.StreamToLogger = self.output.copying(block.StreamToLogger)
        self.complaints = Complaints()
        # MAGE.md: addon-errors-swallowed
        logging.getLogger().handlers = [self.complaints]  # and not to the terminal: Mage logs to files as well

    def run(self, pipeline: str, variables: Mapping[str, Any], emit: Emit, block: str | None = None) -> None:
        """Run `pipeline` once, or only up to `block`; emits `start` and `block` for each block, then `end`."""
        try:
            error = self._run_blocks(self._create(pipeline, variables), block, emit)
        except Exception as problem:  # noqa: BLE001 whatever Mage raises is the result of this run
            error = f"{type(problem).__name__}: {problem}"
        emit("end", error=error)

    def _create(self, pipeline: str, variables: Mapping[str, Any]) -> Any:
        """Create the run as a trigger does, with `execution_date` where Mage keeps it."""
        if not (self.project / "pipelines" / pipeline / "metadata.yaml").is_file():
            raise FileNotFoundError(f"pipelines/{pipeline}/metadata.yaml does not exist")
        given = dict(variables)
        moment = _moment(given.pop("execution_date", None))
        schedule = self.schedule.create(
            name=pipeline, pipeline_uuid=pipeline, repo_path=str(self.project), schedule_type="api"
        )
        return self.pipeline_run.create(
            pipeline_schedule_id=schedule.id,
            pipeline_uuid=pipeline,
            execution_date=moment,
            variables=given,
            status=self.pipeline_run.PipelineRunStatus.RUNNING,
        )

    def _run_blocks(self, run: Any, last: str | None, emit: Emit) -> str | None:
        """Run blocks for as long as any is ready, or those that `last` needs; return what went wrong."""
        reported: set[int] = set()
        broken: list[str] = []
        needed = self._needed(run, last) if last else None
        for block_run in self._ready(run, needed):
            result = self._run_block(run, block_run, emit)
            emit("block", **result)
            reported.add(block_run.id)
            if result["error"]:
                broken.append(block_run.block_uuid)
        for block_run in run.block_runs:
            if block_run.id not in reported and _is_of(block_run, needed):
                emit("block", block=block_run.block_uuid, status=_status(block_run), seconds=0.0)
        if broken:
            return f"failed: {', '.join(broken)}"
        return None if last or run.all_blocks_completed() else "some blocks never became ready to run"

    def _needed(self, run: Any, last: str) -> set[str]:
        """Return the names of `last` and of all blocks before it."""
        pipeline = self.pipeline.get(run.pipeline_uuid)
        needed = [last]
        for name in needed:  # the list grows in the loop
            needed += [other for other in pipeline.get_block(name).upstream_block_uuids if other not in needed]
        return set(needed)

    @staticmethod
    def _ready(run: Any, needed: set[str] | None = None) -> Iterator[Any]:
        """Yield the blocks of `run` (only those `needed`), each once those before it have ended."""
        while not run.all_blocks_completed(include_failed_blocks=True):
            run.update_block_run_statuses(run.initial_block_runs)
            ready = [block_run for block_run in run.executable_block_runs() if _is_of(block_run, needed)]
            if not ready:
                return
            yield from ready
            run.refresh()

    def _run_at_once(self, create: Callable[..., Any]) -> Callable[..., Any]:
        """Return `create`, Mage's function that makes a run for a block that asks for it, changed to also run it.

        No scheduler would run it here, and most blocks that ask for a run wait for its end.
        """

        @functools.wraps(create)
        def created(*arguments: Any, **options: Any) -> Any:
            run = create(*arguments, **options)
            status = self.pipeline_run.PipelineRunStatus
            run.update(status=status.RUNNING)
            for block_run in self._ready(run):
                self._execute(run, block_run)
            ended = status.COMPLETED if run.all_blocks_completed() else status.FAILED
            run.update(status=ended, completed_at=datetime.now(UTC))
            return run

        return created

    def _execute(self, run: Any, block_run: Any) -> Any:
        """Run one block and return what it did; a failure is recorded."""
        try:
            return self.scheduler.run_block(run.id, block_run.id, self._variables(run), {})
        except Exception as problem:  # noqa: BLE001 recorded by Mage with its traceback, if it came that far
            block_run.refresh()
            if _status(block_run) != "failed":
                details = {"error": str(problem), "message": traceback.format_exc()}
                block_run.update(status=block_run.BlockRunStatus.FAILED, metrics={"error": details})
            return None
        finally:
            block_run.refresh()

    def _run_block(self, run: Any, block_run: Any, emit: Emit) -> dict[str, Any]:
        block = self.pipeline.get(run.pipeline_uuid).get_block(block_run.block_uuid)
        emit("start", block=block_run.block_uuid, timeout=block.timeout)
        self.clock.start()
        self.output.start()
        self.complaints.start()
        started = time.monotonic()
        outcome = self._execute(run, block_run)
        output = self.output.text()
        return {
            "block": block_run.block_uuid,
            "status": _status(block_run),
            "seconds": time.monotonic() - started,
            "rows": _rows(outcome, block),
            "error": self._error(block_run, block, output) or self.complaints.text(),
            "output": output,
            "input": self._input(run, block) if _status(block_run) == "failed" else [],
        }

    @staticmethod
    def _input(run: Any, block: Any) -> list[str]:
        """Return what each block before a failed one gave it, as far as Mage can read it again."""
        try:
            values, _, names = block.fetch_input_variables(None, execution_partition=run.execution_partition)
        except Exception:  # noqa: BLE001 the failure of the block is what people must see
            return []
        return [f"{name}: {_shape(value)}" for name, value in zip(names, values, strict=False)]

    def _variables(self, run: Any) -> dict[str, Any]:
        variables: dict[str, Any] = run.get_variables()
        # SQLite has no time zones; Mage's dates are UTC.
        # MAGE.md: dates-without-zone
        variables["execution_date"] = variables["execution_date"].replace(tzinfo=UTC)
        return variables

    def _error(self, block_run: Any, block: Any, output: str) -> str | None:
        """Say in one paragraph why a block failed and where, from the traceback that Mage kept."""
        if _status(block_run) != "failed":
            return None
        error = (block_run.metrics or {}).get("error") or {}
        stack = error.get("message") or ""
        said = (error.get("error") or "").strip() or stack.strip().rpartition("\n")[2]
        if failed_test := _ASSERTION.search(output):
            said, stack = f"{said}: {failed_test[1] or 'an assertion failed'}", output
        if _PROGRAM in said:
            said = f"{said.rpartition(_PROGRAM)[1]}: {output.strip()[-500:]}"
        return f"{said}{self._place(block, stack)}"

    def _place(self, block: Any, stack: str) -> str:
        """Return " (file:line)" of the innermost frame in the project's own code."""
        for file, line in reversed(_FRAME.findall(stack)):
            path = Path(block.file_path if file == "<string>" else file)
            if path.resolve().is_relative_to(self.project.resolve()):  # it has two names if one is a link
                return f" ({path.resolve().relative_to(self.project.resolve())}:{line})"
        return ""


def _remember_if_missing(module: str) -> None:
    """If `module` cannot be imported, make later imports fail at once: Python would look on disk every time."""
    try:
        importlib.import_module(module)
    except ImportError:
        sys.modules[module] = None  # type: ignore[assignment]  # Python's own mark of a missing module


def _without_syncing(connection: Any, _: Any) -> None:
    """Do not wait for the disk at every commit: this metadata database is removed when we end."""
    connection.execute("PRAGMA synchronous = OFF")


class SensorClock:
    """The `time` of Mage's sensors: they look again every second, not every minute, and give up in the end."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.start()

    def start(self) -> None:
        """Count from now."""
        self.deadline = time.monotonic() + self.seconds

    def sleep(self, _: float) -> None:
        """Stand in for the sensor's minute of sleep."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise SensorNotReady(f"not true within {self.seconds:g} s")
        time.sleep(min(1, left))


class Output:
    """What a block prints: through Mage's stream, and from programs that it starts, like R, to our descriptors."""

    def __init__(self) -> None:
        self._printed = io.StringIO()
        self.start()

    def start(self) -> None:
        """Forget what was printed so far."""
        self._printed.seek(0)
        self._printed.truncate()
        self._position = os.fstat(1).st_size

    def text(self) -> str:
        """Return what was printed since `start`."""
        sys.stdout.flush()
        programs = os.pread(1, os.fstat(1).st_size - self._position, self._position)
        return self._printed.getvalue() + programs.decode(errors="replace")

    def copying(self, stream: type) -> type:
        """Return Mage's stream to its log, changed so that we get a copy."""
        copy = self._printed

        class Printed(stream):  # type: ignore[misc]
            def write(self, text: str) -> None:
                copy.write(text)
                super().write(text)

        return Printed


class Complaints(logging.Handler):
    """Errors of conditions and callbacks: Mage counts the first as false, ignores the second, and logs both."""

    def start(self) -> None:
        """Forget what was logged so far."""
        self._errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record of Mage's log, a JSON document, if it tells such an error."""
        message = record.getMessage()
        if ADDON_BROKE.search(message):
            entry = json.loads(message)
            self._errors.append(f"{entry['message']} {entry['error_stacktrace']}")

    def text(self) -> str | None:
        """Return what was logged since `start`."""
        return "; ".join(self._errors) or None


def _moment(value: Any) -> datetime:
    """Read a run's `execution_date`; the default is now."""
    if value is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"the variable execution_date is {value!r}, not a date like 2013-02-08") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _status(block_run: Any) -> str:
    names = {"completed": "completed", "failed": "failed", "condition_failed": "skipped"}
    return names.get(str(block_run.status.value), "upstream_failed")


def _is_of(block_run: Any, names: set[str] | None) -> bool:
    """Tell whether a block is one of `names` (None: all); a dynamic one has its number after a colon."""
    return names is None or block_run.block_uuid in names or block_run.block_uuid.partition(":")[0] in names


def _shape(value: Any) -> str:
    """Say what a value is, without its content."""
    kind = type(value).__name__
    if hasattr(value, "columns") and hasattr(value, "shape"):
        return f"{kind} of {value.shape[0]:,} rows: {', '.join(map(str, value.columns))}"
    if isinstance(value, dict):
        return f"dict with {', '.join(map(str, value)) or 'nothing'}"
    return f"{kind} of {len(value):,}" if isinstance(value, list | tuple | str | set) else kind


def _rows(outcome: Any, block: Any) -> int | None:
    """Count the rows of the data frames that a block returned."""
    outputs: Iterable[Any] = (outcome or {}).get("output") or [] if isinstance(outcome, dict) else []
    frames = [output for output in outputs if hasattr(output, "columns") and hasattr(output, "shape")]
    rows: int = sum(frame.shape[0] for frame in frames)
    if not frames or (block.language == "sql" and rows == _SQL_SAMPLE):
        return None
    return rows


if __name__ == "__main__":
    main(int(sys.argv[1]))
