"""What the static gate finds in pipelines and their files: place, stable code and fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from decorator_cases import HARMLESS, IMPORT, REPLACING
from helpers import (
    IO_CONFIG,
    LOADER,
    PROJECT,
    TRANSFORMER,
    block,
    call_script,
    commit,
    git,
    metadata_of,
    only,
    places,
    push,
    static_findings,
    write,
    write_environment_gates,
    write_pipeline,
)

ORDERS = metadata_of("orders")
LOAD_ORDERS = f"{PROJECT}/data_loaders/load_orders.py"
MONEY = f"{PROJECT}/utils/money.py"


def test_a_sound_project_passes(sources: Path) -> None:
    assert static_findings(sources) == []


def test_all_findings_are_told_at_once(sources: Path) -> None:
    (sources / LOAD_ORDERS).unlink()
    (sources / MONEY).unlink()
    codes = {finding.code for finding in static_findings(sources)}
    assert codes == {"block-file-missing", "import-missing"}


# Pipelines and their files


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("ai", "'ai' is a type of Mage Pro alone"),
        ("hook", "'hook' is a type of blocks that Mage makes itself"),
        ("transfomer", "'transfomer' is unknown to Mage"),
    ],
)
def test_a_type_that_no_pipeline_can_run_is_told_as_what_it_is(sources: Path, kind: str, problem: str) -> None:
    write_pipeline(sources, "stock", [block("sum_up", kind)])
    finding = only(static_findings(sources))
    assert places([finding]) == [("malformed-key", metadata_of("stock"), 3)]
    assert finding.problem == f"blocks[0].type: {problem}"


@pytest.mark.parametrize(
    ("settings", "code"), [("features: [", "malformed-yaml"), ("- features", "malformed-key")]
)
def test_settings_of_the_project_that_mage_cannot_read(sources: Path, settings: str, code: str) -> None:
    (finding,) = static_findings(sources, {f"{PROJECT}/metadata.yaml": settings + "\n"})
    assert (finding.path, finding.code) == (f"{PROJECT}/metadata.yaml", code)


def test_settings_of_the_project_with_jinja_are_read_as_mage_renders_them(sources: Path) -> None:
    settings = "{% if env_var('ENV', 'dev') == 'dev' %}\nproject_type: standalone\n{% endif %}\n"
    assert static_findings(sources, {f"{PROJECT}/metadata.yaml": settings}) == []


def test_a_missing_block_file_is_named(sources: Path) -> None:
    (sources / LOAD_ORDERS).unlink()
    finding = only(static_findings(sources))
    assert places([finding]) == [("block-file-missing", ORDERS, 5)]
    assert LOAD_ORDERS in finding.problem


def test_a_missing_callback_file_is_named(sources: Path) -> None:
    write_pipeline(sources, "stock", [block("load_stock", "data_loader", has_callback=True)])
    finding = only(static_findings(sources))
    assert places([finding]) == [("block-file-missing", metadata_of("stock"), 6)]
    assert f"{PROJECT}/callbacks/load_stock_callback.py" in finding.problem


def test_a_replicated_block_that_does_not_exist_is_refused(sources: Path) -> None:
    blocks = [block("load_stock", "data_loader"), block("again", "data_loader", replicated_block="nobody")]
    write_pipeline(sources, "stock", blocks)
    finding = only(static_findings(sources))
    assert places([finding]) == [("unknown-block", metadata_of("stock"), 10)]
    assert "nobody" in finding.problem


def test_a_missing_import_is_named_with_its_line(sources: Path) -> None:
    finding = only(static_findings(sources, {MONEY: "import os\nfrom mage_project.utils import nowhere\n"}))
    assert places([finding]) == [("import-missing", MONEY, 2)]
    assert "mage_project.utils.nowhere" in finding.problem


def test_a_pipeline_folder_without_metadata_is_refused(sources: Path) -> None:
    finding = only(static_findings(sources, {f"{PROJECT}/pipelines/half_done/notes.md": "later\n"}))
    assert places([finding]) == [("pipeline-without-metadata", f"{PROJECT}/pipelines/half_done", None)]


@pytest.mark.parametrize("name", ["umsätze", "two words", "-dash", "semi;colon"])
def test_a_pipeline_name_that_mage_cannot_use_is_refused(sources: Path, name: str) -> None:
    write_pipeline(sources, name, [])
    assert places(static_findings(sources)) == [("bad-name", f"{PROJECT}/pipelines/{name}", None)]


@pytest.mark.parametrize("uuid", ["load umsätze", "a//b", "/etc/passwd", "a\nb"])
def test_a_block_name_that_mage_cannot_use_is_refused(sources: Path, uuid: str) -> None:
    write_pipeline(sources, "orders", [block(uuid, "data_loader")])
    assert places(static_findings(sources)) == [("bad-name", ORDERS, 5)]


@pytest.mark.parametrize(("uuid", "read"), [("no", "False"), ("0123", "83"), ("2013-01-01", "datetime.date")])
@pytest.mark.parametrize("form", ["uuid: {}\n  type: custom", "uuid: a\n  type: custom\n  upstream_blocks: [{}]"])
def test_a_name_that_yaml_reads_as_something_else_is_told_as_that(
    sources: Path, uuid: str, read: str, form: str
) -> None:
    finding = only(static_findings(sources, {ORDERS: f"blocks:\n- {form.format(uuid)}\n"}))
    assert f"reads this as {read}" in finding.problem or f"reads a name as {read}" in finding.problem
    assert finding.fix == "put the name in quotes"


def test_a_name_that_yaml_reads_as_text_needs_no_quotes(sources: Path) -> None:
    write(sources, {f"{PROJECT}/data_loaders/1e3.py": LOADER.format(name="x")})
    assert static_findings(sources, {ORDERS: "blocks: [{uuid: 1e3, type: data_loader}]\n"}) == []


def test_a_byte_order_mark_is_refused_only_where_mage_takes_it_for_code(sources: Path) -> None:
    files = {path: f"\ufeff{(sources / path).read_text()}" for path in (MONEY, ORDERS)}
    assert static_findings(sources, files) == []
    found = static_findings(sources, {LOAD_ORDERS: f"\ufeff{(sources / LOAD_ORDERS).read_text()}"})
    assert places(found) == [("byte-order-mark", LOAD_ORDERS, 1)]


# Malformed YAML

YAML_FILES = [ORDERS, f"{PROJECT}/pipelines/orders/promotion.yaml", f"{PROJECT}/io_config.yaml"]


@pytest.mark.parametrize("path", YAML_FILES)
def test_malformed_yaml_is_named_with_file_and_line(sources: Path, path: str) -> None:
    findings = static_findings(sources, {path: "blocks: []\nname: [unclosed\n"})
    assert ("malformed-yaml", path, 3) in places(findings)


def test_a_tab_in_yaml_is_named_with_its_line(sources: Path) -> None:
    assert places(static_findings(sources, {ORDERS: "name: orders\nblocks:\n\t- uuid: a\n"})) == [
        ("malformed-yaml", ORDERS, 3)
    ]


@pytest.mark.parametrize("path", YAML_FILES)
def test_a_key_that_is_there_twice_is_named_with_its_line(sources: Path, path: str) -> None:
    findings = static_findings(sources, {path: "smoke:\n  volatile: [a]\n  volatile: [b]\n"})
    assert ("duplicate-key", path, 3) in places(findings)
    assert "'volatile'" in next(f.problem for f in findings if f.code == "duplicate-key")


def test_merge_keys_and_aliases_are_no_duplicates(sources: Path) -> None:
    io_config = IO_CONFIG.replace("default:", "default: &default")
    io_config += "lake: &lake\n  <<: *default\n  POSTGRES_SCHEMA: a\nsea: {<<: *lake, POSTGRES_SCHEMA: b}\n"
    assert static_findings(sources, {f"{PROJECT}/io_config.yaml": io_config}) == []


def test_a_key_in_each_branch_of_a_condition_is_no_duplicate(sources: Path) -> None:
    io_config = (
        "{% if env_var('ENV') == 'prod' %}\n  POSTGRES_SCHEMA: a\n{% else %}\n  POSTGRES_SCHEMA: b\n{% endif %}\n"
    )
    assert static_findings(sources, {f"{PROJECT}/io_config.yaml": IO_CONFIG + io_config}) == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("blocks: {a: b}", "blocks"),
        ("blocks: [text]", "blocks[0]"),
        ("blocks: [{uuid: a}]", "blocks[0].type"),
        ("blocks: [{uuid: a, type: [x]}]", "blocks[0].type"),
        ("blocks: [{uuid: a, type: custom, language: {a: b}}]", "blocks[0].language"),
        ("blocks: [{uuid: a, type: custom, language: cobol}]", "blocks[0].language"),
        ("blocks: [{uuid: a, type: custom, upstream_blocks: b}]", "blocks[0].upstream_blocks"),
        ("blocks: [{uuid: a, type: custom, upstream_blocks: [{}]}]", "blocks[0].upstream_blocks"),
        ("blocks: [{uuid: a, type: custom, configuration: [x]}]", "blocks[0].configuration"),
        ("blocks: [{uuid: a, type: custom, replicated_block: [x]}]", "blocks[0].replicated_block"),
        ("extensions: [x]", "extensions"),
        ("extensions: {great_expectations: text}", "extensions.great_expectations"),
        ("- a\n- b", "list"),
        ("1: a\nb: c", "1"),
        ("created_at: 2013-13-45", ""),
    ],
)
def test_metadata_in_another_shape_is_refused_with_its_key(sources: Path, text: str, key: str) -> None:
    findings = static_findings(sources, {ORDERS: text})
    assert {finding.path for finding in findings} == {ORDERS}
    assert {finding.code for finding in findings} <= {"malformed-key", "malformed-yaml"}
    assert key in findings[0].problem


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("need: [stock]", "need"),
        ("needs: stock", "needs"),
        ("needs: [1]", "needs"),
        ("smoke: [x]", "smoke"),
        ("smoke: {days: 3}", "smoke.days"),
        ("smoke: {variables: {a: b}}", "smoke.variables"),
        ("smoke: {volatile: [1]}", "smoke.volatile"),
        ("files: [data/a.csv]", "files"),
        ("files: {utils/money.py: data/a.csv}", "files.utils/money.py"),
        ("files: {utils/money.py: [1]}", "files.utils/money.py"),
    ],
)
def test_a_promotion_file_in_another_shape_is_refused_with_its_key(sources: Path, text: str, key: str) -> None:
    path = f"{PROJECT}/pipelines/orders/promotion.yaml"
    finding = only(static_findings(sources, {path: text}))
    assert places([finding]) == [("malformed-key", path, 1)]
    assert finding.problem.startswith(key)


def test_metadata_in_another_shape_is_refused_with_the_line_of_the_entry(sources: Path) -> None:
    text = "name: orders\nblocks:\n- uuid: load_orders\n  type: data_loader\n- uuid: clean\n  type: magic\n"
    assert places(static_findings(sources, {ORDERS: text})) == [("malformed-key", ORDERS, 6)]


@pytest.mark.parametrize("needed", ["orders", "stock"])
def test_pipelines_that_need_each_other_or_themselves_are_refused(sources: Path, needed: str) -> None:
    path = f"{PROJECT}/pipelines/orders/promotion.yaml"
    other = f"{PROJECT}/pipelines/{needed}/promotion.yaml"
    findings = static_findings(sources, {path: f"needs: [{needed}]", other: "needs: [orders]"})
    assert places(findings) == [("cycle", place, 1) for place in sorted({path, other})]
    assert needed in findings[0].problem


def test_a_needed_pipeline_that_is_not_there_is_named(sources: Path) -> None:
    path = f"{PROJECT}/pipelines/orders/promotion.yaml"
    assert places(static_findings(sources, {path: "needs: [nobody]"})) == [("needed-pipeline-missing", path, 1)]


# The graph


def test_a_cycle_is_refused_with_its_blocks(sources: Path) -> None:
    blocks = [block("load_orders", "data_loader", ["clean"]), block("clean", "transformer", ["load_orders"])]
    write_pipeline(sources, "orders", blocks)
    finding = only(static_findings(sources))
    assert places([finding]) == [("cycle", ORDERS, 6)]
    assert "load_orders" in finding.problem
    assert "clean" in finding.problem


def test_an_unknown_upstream_block_is_refused(sources: Path) -> None:
    write_pipeline(sources, "orders", [block("load_orders", "data_loader", ["nobody"])])
    finding = only(static_findings(sources))
    assert places([finding]) == [("unknown-upstream", ORDERS, 6)]
    assert "nobody" in finding.problem


# Paths that leave the project


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "utils/../../../secret.py"])
@pytest.mark.parametrize("key", ["file_path", "file_source"])
def test_a_block_path_that_leaves_the_project_is_refused(sources: Path, key: str, path: str) -> None:
    declared = {"path": path} if key == "file_source" else path
    write_pipeline(sources, "orders", [block("load_orders", "data_loader", configuration={key: declared})])
    finding = only(static_findings(sources))
    lines = (sources / ORDERS).read_text().splitlines()
    assert places([finding]) == [("path-outside-project", ORDERS, lines.index("  uuid: load_orders") + 1)]
    assert path in finding.problem


def test_a_block_name_that_leaves_the_project_is_refused(sources: Path) -> None:
    write_pipeline(sources, "orders", [block("../../secrets", "data_loader")])
    assert places(static_findings(sources)) == [("path-outside-project", ORDERS, 5)]


@pytest.mark.parametrize("target", ["../../../README.md", "/etc/passwd", "../utils", "gone.py"])
def test_a_block_that_is_a_link_out_of_the_project_is_refused(sources: Path, target: str) -> None:
    (sources / LOAD_ORDERS).unlink()
    (sources / LOAD_ORDERS).symlink_to(target)
    assert places(static_findings(sources)) == [("symlink-outside-project", LOAD_ORDERS, None)]


def test_a_linked_folder_that_no_pipeline_names_is_refused_too(sources: Path) -> None:
    (sources / PROJECT / "shared").symlink_to("/etc")
    assert places(static_findings(sources)) == [("symlink-outside-project", f"{PROJECT}/shared", None)]


def test_a_link_in_the_platform_is_refused(sources: Path) -> None:
    (sources / "charts/mage/values.yaml").symlink_to("../../../somewhere")
    assert places(static_findings(sources)) == [("symlink-outside-project", "charts/mage/values.yaml", None)]


def test_links_in_a_circle_are_refused(sources: Path) -> None:
    (sources / LOAD_ORDERS).unlink()
    (sources / LOAD_ORDERS).symlink_to("other.py")
    (sources / PROJECT / "data_loaders/other.py").symlink_to("load_orders.py")
    assert {finding.code for finding in static_findings(sources)} == {"symlink-outside-project"}


# Text that is not what it should be


@pytest.mark.parametrize("path", [LOAD_ORDERS, MONEY, ORDERS, f"{PROJECT}/io_config.yaml"])
def test_a_file_that_is_not_utf8_is_refused(sources: Path, path: str) -> None:
    assert ("not-utf8", path, None) in places(static_findings(sources, {path: b"# caf\xe9\n"}))


def test_a_picture_in_the_project_is_no_text_and_passes(sources: Path) -> None:
    assert static_findings(sources, {f"{PROJECT}/assets/logo.png": b"\x89PNG\r\n\x1a\n\x00\xff"}) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [("def load(:\n", 1), ("x = 1\nreturn x\n", 2), ("x = 1\nawait x\n", 2), ("x = '\0'\n", 1)],
)
def test_python_that_does_not_compile_is_named_with_its_line(sources: Path, text: str, line: int) -> None:
    assert places(static_findings(sources, {MONEY: text})) == [("syntax-error", MONEY, line)]


# Decorators


@pytest.mark.parametrize("code", REPLACING)
def test_an_import_that_replaces_the_decorator_is_named_with_its_line(sources: Path, code: str) -> None:
    finding = only(static_findings(sources, {LOAD_ORDERS: code}))
    line = code.count("\n", 0, code.rindex(IMPORT)) + 1
    assert places([finding]) == [("unguarded-decorator", LOAD_ORDERS, line)]
    assert "`if 'data_loader' not in globals():`" in finding.fix


@pytest.mark.parametrize("code", HARMLESS)
def test_an_import_that_leaves_mages_decorator_passes(sources: Path, code: str) -> None:
    assert static_findings(sources, {LOAD_ORDERS: code}) == []


@pytest.mark.parametrize("name", ["callback", "on_success", "on_failure"])
def test_a_callback_has_one_of_three_decorators(sources: Path, name: str) -> None:
    write_pipeline(sources, "stock", [block("told", "callback")])
    assert static_findings(sources, {f"{PROJECT}/callbacks/told.py": f"@{name}\ndef told(): ...\n"}) == []


def test_a_decorator_is_looked_for_where_file_path_points(sources: Path) -> None:
    write(sources, {f"{PROJECT}/elsewhere/load.py": "def load():\n    return []\n"})
    configuration = {"file_path": f"{PROJECT}/elsewhere/load.py"}
    write_pipeline(sources, "orders", [block("load_orders", "data_loader", configuration=configuration)])
    assert places(static_findings(sources)) == [("decorator-missing", f"{PROJECT}/elsewhere/load.py", 1)]


def test_a_decorated_coroutine_is_a_decorated_function(sources: Path) -> None:
    code = LOADER.format(name="x").replace("def load", "async def load")
    assert static_findings(sources, {LOAD_ORDERS: code}) == []


def test_a_block_without_its_decorator_is_refused(sources: Path) -> None:
    code = LOADER.format(name="x").replace("@data_loader\n", "")
    line = code.splitlines().index("def load(*args, **kwargs):") + 1
    assert places(static_findings(sources, {LOAD_ORDERS: code})) == [("decorator-missing", LOAD_ORDERS, line)]


def test_each_pipeline_of_one_closure_is_looked_at(sources: Path) -> None:
    loaders = {name: f"data_loaders/load_{name}.py" for name in ("orders", "stock")}
    for name, loader in loaders.items():
        declared = f"files: {{{loader}: ['**']}}\n"
        write(sources, {f"{PROJECT}/pipelines/{name}/promotion.yaml": declared, f"{PROJECT}/{loader}": ""})
    wanted = [("decorator-missing", f"{PROJECT}/{loader}", 1) for loader in loaders.values()]
    assert places(static_findings(sources)) == wanted


@pytest.mark.parametrize("kind", ["data_loader", "data_exporter"])
def test_a_block_that_streams_has_a_class_of_its_own(sources: Path, kind: str) -> None:
    decorator = {"data_loader": "streaming_source", "data_exporter": "streaming_sink"}[kind]
    path = f"{PROJECT}/{kind}s/stream.py"
    write_pipeline(sources, "stock", [block("stream", kind)], type="streaming")
    finding = only(static_findings(sources, {path: f"@{kind}\ndef run():\n    pass\n"}))
    assert places([finding]) == [("decorator-missing", path, 2)]
    assert f"@{decorator}" in finding.problem
    assert static_findings(sources, {path: f"@{decorator}\nclass Stream:\n    pass\n"}) == []


def test_a_block_of_data_integration_in_python_passes(sources: Path) -> None:
    assert static_findings(sources, {LOAD_ORDERS: "@data_integration_source\ndef load():\n    pass\n"}) == []


# Jinja


@pytest.mark.parametrize(
    "tag",
    [
        "{% include 'other.sql' %}",
        "{%- import 'other.sql' as m -%}",
        "{% from 'o.sql' import m %}",
        "{%extends 'o'%}",
    ],
)
@pytest.mark.parametrize("language", ["sql", "yaml"])
def test_a_block_that_includes_another_file_is_refused(sources: Path, language: str, tag: str) -> None:
    path = f"{PROJECT}/data_loaders/ask.{language}"
    write_pipeline(sources, "stock", [block("ask", "data_loader") | {"language": language}])
    findings = static_findings(sources, {path: f"# {{# {tag} #}}\n# {tag}\n"})
    assert places(findings) == [("template-of-another-file", path, 2)]


@pytest.mark.parametrize(
    "text", ["{% if a %} select 1 {% endif %}", "select '{% raw %}{% include x %}{% endraw %}'"]
)
def test_other_jinja_passes(sources: Path, text: str) -> None:
    write_pipeline(sources, "stock", [block("ask", "data_loader") | {"language": "sql"}])
    assert static_findings(sources, {f"{PROJECT}/data_loaders/ask.sql": text}) == []


# Names of files


@pytest.mark.parametrize("name", ["a\nb.md", "a\tb.md", "it's.md", 'a"b.md', "caf\udce9.md", "a b.py", "é.sql"])
def test_a_file_name_that_some_tool_cannot_read_is_refused(sources: Path, name: str) -> None:
    finding = only(static_findings(sources, {f"{PROJECT}/pipelines/orders/{name}": ""}))
    assert finding.code == "bad-name"
    assert finding.path.isascii()


@pytest.mark.parametrize("path", ["pipelines/orders/my café.md", "utils/not claimed.py"])
def test_a_file_name_that_nobody_has_to_import_passes(sources: Path, path: str) -> None:
    assert static_findings(sources, {f"{PROJECT}/{path}": ""}) == []


def test_triggers_in_the_project_are_refused(sources: Path) -> None:
    path = f"{PROJECT}/pipelines/orders/triggers.yaml"
    finding = only(static_findings(sources, {path: "# Ours\ntriggers:\n- {name: nightly}\n"}))
    assert places([finding]) == [("triggers-in-project", path, 2)]
    assert "environments/<env>/values.yaml" in finding.fix
    assert static_findings(sources, {path: "triggers: []\n"}) == []


@pytest.fixture
def gated(project: Path) -> Path:
    """A clone of which every environment asks for the static gate."""
    for name in ("dev", "staging", "prod"):
        write_environment_gates(project, name, ["static"])
    return project


@pytest.mark.parametrize("folder", [f"{PROJECT}/vendored", "charts/mage/charts/other", "environments/dev/more"])
@pytest.mark.parametrize("is_filled", [True, False])
def test_verify_and_promote_say_the_same_of_a_submodule(gated: Path, folder: str, is_filled: bool) -> None:
    add_submodule(gated, folder)
    if not is_filled:  # as a clone has it
        git(gated, "submodule", "--quiet", "deinit", "--force", "--all")
    told = submodules_told(gated, "promote", "main", "dev", "--yes")
    assert [each["path"] for each in told] == [folder]
    assert submodules_told(gated, "verify") == told


def test_a_submodule_that_no_release_has_is_not_told(gated: Path) -> None:
    add_submodule(gated, "notebooks/shared")
    assert submodules_told(gated, "promote", "main", "dev", "--yes") == []
    assert submodules_told(gated, "verify") == []


def test_verify_says_it_before_it_is_added(gated: Path) -> None:
    git(gated, "init", "--quiet", f"{PROJECT}/vendored")
    commit(gated / PROJECT / "vendored")
    assert [each["path"] for each in submodules_told(gated, "verify")] == [f"{PROJECT}/vendored"]


def submodules_told(clone: Path, *words: str) -> list[dict[str, Any]]:
    """Return what a script has against submodules."""
    findings = call_script(clone, *words, "--json").document.get("error", {}).get("findings", [])
    return [finding for finding in findings if finding["code"] == "submodule"]


def add_submodule(clone: Path, folder: str) -> None:
    """Add another repository to the clone, as a submodule."""
    other = clone.parent / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    write(other, {"x.py": "x = 1\n"})
    commit(other)
    git(clone, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), folder)
    push(clone, "Add a submodule")


def test_a_transformer_shared_by_two_pipelines_is_told_once(sources: Path) -> None:
    code = TRANSFORMER.replace("@transformer\n", "")
    only(static_findings(sources, {f"{PROJECT}/transformers/clean.py": code}))
