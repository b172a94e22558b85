"""Findings as people read them: one fault is told once, and very many are read in a minute."""

from __future__ import annotations

from pathlib import Path

import pytest

from basics.errors import Finding, merged
from helpers import PROJECT, call_script, promote, push, refused, write, write_environment_gates
from promotion.showing.findings import finding_lines

STOCK = f"{PROJECT}/data_loaders/load_stock.py"


def told(*findings: Finding, everything: bool = False) -> list[str]:
    return [text for text, _ in finding_lines(findings, everything=everything)]


def found(code: str, number: int, fix: str = "mend it") -> list[Finding]:
    return [Finding(f"f{line}", line, code, "is wrong", fix) for line in range(1, number + 1)]


def test_what_several_environments_have_in_common_is_one_finding() -> None:
    each = [Finding("a", 1, "odd", "is odd", "mend it", (name,)) for name in ("dev", "staging", "prod")]
    assert merged([*each, each[0]]) == [Finding("a", 1, "odd", "is odd", "mend it", ("dev", "staging", "prod"))]
    assert "  a:1: is odd (dev, staging, prod) [odd]" in told(*merged(each))


def test_the_same_mend_is_said_once() -> None:
    one, other = found("odd", 1, "mend this"), found("odd", 2, "mend that")
    lines = told(other[0], one[0], other[1])
    assert [line for line in lines if "fix:" in line] == ["      fix: mend that", "      fix: mend this"]
    assert lines.index("  f2:2: is wrong [odd]") < lines.index("      fix: mend that")


def test_what_hides_other_faults_comes_first_and_what_leaks_next() -> None:
    lines = told(*found("decorator-missing", 2), *found("secret-in-clear", 1), *found("malformed-yaml", 1))
    codes = [line.partition("[")[2].rstrip("]") for line in lines if "[" in line]
    assert codes == ["malformed-yaml", "secret-in-clear", "decorator-missing", "decorator-missing"]


def test_very_many_are_counted_by_kind_and_all_are_shown_if_asked_for() -> None:
    findings = [*found("name-not-supplied", 200), *found("profile-missing", 90), *found("syntax-error", 10)]
    lines = told(*findings)
    assert len(lines) < 25
    assert lines[0] == "  syntax-error: 10 findings in 10 files"
    assert "  name-not-supplied: 200 findings in 200 files" in lines
    assert "      … and 197 more" in lines
    assert lines[-1] == "  These are the first of each kind; --json has every one."
    assert len(told(*findings, everything=True)) == 300 + 3


def test_of_a_kind_as_many_mends_as_possible_are_shown() -> None:
    findings = [*found("odd", 20, "mend this"), *found("odd", 21, "mend that")[20:], *found("odd", 22)[21:]]
    lines = told(*findings)
    mends = [line.removeprefix("      fix: ") for line in lines if "fix:" in line]
    assert mends == ["mend this", "mend that", "mend it"]
    assert "      … and 19 more" in lines


def test_the_same_fault_in_a_file_of_each_environment_is_told_at_the_first() -> None:
    names = ("dev", "staging", "prod")
    each = [
        Finding(f"environments/{name}/values.yaml", line, "odd", "a: is odd", "mend it", (name,))
        for line, name in enumerate(names, start=3)
    ]
    first = Finding("environments/dev/values.yaml", 3, "odd", "a: is odd", "mend it", names)
    assert merged(each) == [first]
    other = Finding("pipelines/dev/x", 3, "odd", "a: is odd", "mend it", ("staging",))
    assert merged([*each, other]) == [first, other]


@pytest.fixture
def faulty(project: Path) -> Path:
    """A clone in which thirty files read a variable that nobody supplies; every environment asks for the gate."""
    loader = (project / STOCK).read_text()
    names = [f"part_{number:02}" for number in range(30)]
    write(project, {f"{PROJECT}/utils/{name}.py": f"import os\nos.environ['{name.upper()}']\n" for name in names})
    imports = "".join(f"import {PROJECT}.utils.{name}\n" for name in names)
    write(project, {STOCK: imports + loader})
    write_environment_gates(project, "dev", ["static"])
    push(project)
    return project


def test_verify_shows_the_first_of_many_and_all_where_that_is_asked_for(faulty: Path) -> None:
    result = call_script(faulty, "verify")
    assert result.exit_code == 3
    assert "name-not-supplied: 30 findings in 30 files" in result.stderr
    assert "reads PART_00, which the environment does not supply (dev, staging, prod)" in result.stderr
    assert "PART_29" not in result.stderr
    assert "--all shows every one" in result.stderr
    assert "PART_29" in call_script(faulty, "verify", "--all").stderr
    document = call_script(faulty, "verify", "--json").document
    assert [finding["environments"] for finding in document["error"]["findings"]] == [
        ["dev", "staging", "prod"]
    ] * 30


def test_promote_shows_them_in_the_same_way(faulty: Path) -> None:
    result = call_script(faulty, "promote", "main", "dev", "--yes")
    assert result.exit_code == 3
    assert "name-not-supplied: 30 findings in 30 files" in result.stderr
    assert "PART_29" not in result.stderr
    assert len(refused(faulty, "promote", "main", "dev", "--yes")["findings"]) == 30


def test_a_fault_of_one_environment_names_it(project: Path) -> None:
    write(project, {STOCK: (project / STOCK).read_text() + "os.environ['WAREHOUSE_HOST']\n"})
    path = project / "environments/prod/values.yaml"
    path.write_text(path.read_text().replace("WAREHOUSE_HOST", "ANOTHER_HOST"))
    push(project)
    (finding,) = call_script(project, "verify", "--json").document["error"]["findings"]
    assert finding["environments"] == ["prod"]
    promote(project, "main", "dev")
