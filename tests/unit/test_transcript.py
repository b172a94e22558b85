"""The transcript in docs/promotion.md is what the commands print: a test plays the story and compares.

Names and contents are fixed, so digests are the same on every machine. Commits hold the moment they were made:
their ids are shown as `········`, days as `····-··-··`, and an age as `0s`.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from helpers import PROJECT, call_script, commit, git, make_clone, write

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/promotion.md"
BEGIN, END = "<!-- transcript: begin -->\n", "<!-- transcript: end -->\n"
REWRITE = "REWRITE_TRANSCRIPT"
CLEAN = f"{PROJECT}/transformers/clean.py"

STORY = f"""
scripts/promote.py main dev --yes
scripts/promote.py dev staging --yes
# somebody changes the transformer that orders and returns share, and pushes it to main
scripts/promote.py main dev --yes --reason "round the totals"
scripts/promote.py backfill dev -p orders -p returns --done
scripts/promote.py dev staging -p orders --yes
scripts/promote.py why orders {PROJECT}/utils/money.py
scripts/promote.py dev staging -p orders -p returns --yes
scripts/rollback.py staging --yes --reason "INC-12: totals are wrong"
scripts/promote.py dev staging --yes
scripts/status.py
scripts/verify.py staging
"""


def played(folder: Path) -> str:
    """Play the story in a repository of its own and return what a terminal would show of it."""
    clone = make_clone(folder)
    shown = []
    for line in STORY.strip().splitlines():
        shown.append(f"$ {line}" if not line.startswith("#") else line)
        if line.startswith("#"):
            write(clone, {CLEAN: (clone / CLEAN).read_text().replace("rounded(item)", "round(item, 2)")})
            commit(clone, "Round to the cent")
            git(clone, "push", "--quiet", "origin", "HEAD:main")
            continue
        script, *words = shlex.split(line)
        result = call_script(clone, Path(script).stem, *words)
        shown += [*result.stdout.splitlines(), *_refusal(result.stderr), *_code(result.exit_code), ""]
    return "\n".join(map(_fixed, shown)).strip()


def _refusal(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if not line.startswith("✓ ")]  # how long each step took


def _code(exit_code: int) -> list[str]:
    return [f"exit code {exit_code}"] if exit_code else []


def _fixed(line: str) -> str:
    line = re.sub(r"((?:release \d+ \(|main \(|is at ))[0-9a-f]{8}", r"\1········", line)
    line = re.sub(r"\b\d{4}-\d\d-\d\d\b", "····-··-··", line)
    return re.sub(r"\b\d+s\b", "0s", line)


def test_the_transcript_is_what_the_commands_print(tmp_path: Path) -> None:
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(BEGIN)
    written, _, after = rest.partition(END)
    now = f"\n```console\n{played(tmp_path)}\n```\n\n"
    if REWRITE in os.environ:
        DOCUMENT.write_text(f"{before}{BEGIN}{now}{END}{after}")
    else:
        command = f"{REWRITE}=1 .venv/bin/python -m pytest tests/unit/test_transcript.py"
        assert written == now, f"docs/promotion.md shows another transcript; write it anew: {command}"
