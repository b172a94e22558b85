"""`scripts/adopt.py`: a Mage project from elsewhere comes in whole, in one commit, or not at all."""

from __future__ import annotations

import subprocess
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
import yaml

from disturbed import killed_at_every_step
from helpers import PROJECT, TRANSFORMER, Result, call_script, git, push, refused, untouched, write
from promotion.adopting.plan import EXAMPLES_ID
from promotion.layout import EXAMPLE

PIPELINE = {"name": "sales", "uuid": "sales", "type": "python", "blocks": []}
FILES: dict[str, bytes] = {
    "metadata.yaml": b"project_type: standalone\nproject_uuid: 77\n",
    "pipelines/sales/metadata.yaml": yaml.safe_dump(PIPELINE).encode(),
    "transformers/clean.py": b"def clean(data):\n    return data\n",
    "data/rates.csv": b"a,b\r\n\xff\n",
}
BRANCH = "adopt/unit_3"


@pytest.fixture
def template(project: Path) -> Path:
    """A clone whose project is the example."""
    write(project, {f"{PROJECT}/metadata.yaml": f"project_type: standalone\n{EXAMPLES_ID}\n"})
    push(project)
    return project


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A Mage project outside of git."""
    folder = tmp_path / "a team's repository" / "unit_3"
    write(folder, FILES)
    return folder


def adopt(clone: Path, folder: Path, *more: str) -> Result:
    """Adopt without a question."""
    result = call_script(clone, "adopt", str(folder), "--yes", *more)
    assert result.exit_code == 0, result.stderr
    return result


def plan_of(clone: Path, folder: Path) -> dict[str, Any]:
    result = call_script(clone, "adopt", str(folder), "--plan", "--json")
    assert result.exit_code == 2, result.stderr
    plan: dict[str, Any] = result.document["adoption"]
    return plan


def listed(clone: Path, *roots: str) -> list[str]:
    return git(clone, "ls-tree", "-r", "--name-only", BRANCH, "--", *roots).splitlines()


def content(clone: Path, path: str) -> str:
    return git(clone, "show", f"{BRANCH}:{path}")


def in_git(folder: Path) -> Path:
    """Put the project, with the folder around it, under version control."""
    git(folder.parent, "init", "--quiet", "--template=")
    git(folder.parent, "add", "--all")
    git(folder.parent, "commit", "--quiet", "-m", "Begin")
    return folder


# What comes


def test_every_file_comes_as_it_is(template: Path, theirs: Path) -> None:
    (theirs / "run.sh").write_text("echo\n")
    (theirs / "run.sh").chmod(0o755)
    (theirs / "link.csv").symlink_to("data/rates.csv")
    adopt(template, theirs)
    entries = git(template, "ls-tree", "-r", BRANCH, "--", PROJECT).splitlines()
    modes = {line.split("\t")[1].removeprefix(f"{PROJECT}/"): line[:6] for line in entries}
    assert modes == dict.fromkeys(FILES, "100644") | {"run.sh": "100755", "link.csv": "120000"}
    git(template, "switch", "--quiet", BRANCH)
    assert {path: (template / PROJECT / path).read_bytes() for path in FILES} == FILES
    assert (template / PROJECT / "link.csv").readlink() == Path("data/rates.csv")


def test_the_example_makes_room_with_its_environments(template: Path, theirs: Path) -> None:
    before = git(template, "ls-files", PROJECT, "environments").splitlines()
    adopt(template, theirs)
    assert listed(template, EXAMPLE) == [f"{EXAMPLE}/{path}" for path in sorted(before)]


def test_environments_keep_policy_and_lose_what_is_the_examples(template: Path, theirs: Path) -> None:
    policy = git(template, "show", "HEAD:environments/dev/policy.yaml")
    adopt(template, theirs)
    assert content(template, "environments/dev/policy.yaml") == policy
    values = yaml.safe_load(content(template, "environments/dev/values.yaml"))
    assert (values["io"], values["schedules"]) == ({"settings": {}, "secrets": {}}, {})


def test_what_is_checked_out_stays_as_it_is(template: Path, theirs: Path) -> None:
    before = untouched(template)
    adopt(template, theirs)
    after = untouched(template)
    assert after.pop(f".git/refs/heads/{BRANCH}")
    assert after == before


def test_a_plan_makes_no_branch(template: Path, theirs: Path) -> None:
    before = untouched(template)
    assert plan_of(template, theirs)["files"] == len(FILES)
    assert untouched(template) == before


def test_a_second_call_has_nothing_to_do(template: Path, theirs: Path) -> None:
    adopt(template, theirs)
    made = git(template, "rev-parse", BRANCH)
    adopt(template, theirs)
    assert git(template, "rev-parse", BRANCH) == made
    git(template, "merge", "--quiet", "--ff-only", BRANCH)
    assert "Nothing to do" in call_script(template, "adopt", str(theirs)).stdout


def test_the_project_is_found_in_a_repository(template: Path, theirs: Path) -> None:
    adopt(template, theirs.parent)
    assert f"{PROJECT}/transformers/clean.py" in listed(template)


def test_a_project_that_imports_itself_keeps_its_name(template: Path, theirs: Path) -> None:
    write(theirs, {"transformers/clean.py": "from unit_3.utils.money import rounded\n", "utils/money.py": ""})
    adopt(template, theirs)
    assert content(template, "packages/unit_3") == f"../{PROJECT}"


@pytest.mark.parametrize("text", ["file_path: unit_3/custom/x.py", "path: /home/src/unit_3/custom/x.py"])
def test_a_project_whose_blocks_name_it_keeps_its_name(template: Path, theirs: Path, text: str) -> None:
    write(theirs, {"pipelines/sales/metadata.yaml": f"blocks:\n- uuid: x\n  {text}\n"})
    assert plan_of(template, theirs)["own_name"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("transformers/clean.py", "from default_repo.utils.money import rounded\n"),
        ("transformers/clean.py", "from default_repo.utils import money\n"),
        ("transformers/clean.py", "open('/home/src/default_repo/data/rates.csv')\n"),
        ("pipelines/sales/metadata.yaml", "blocks:\n- uuid: x\n  file_path: default_repo/transformers/clean.py\n"),
    ],
)
def test_a_project_in_another_folder_has_the_name_that_its_files_give_it(
    template: Path, theirs: Path, path: str, text: str
) -> None:
    write(theirs, {"utils/money.py": "", path: text})
    assert plan_of(template, theirs)["own_name"] == "default_repo"
    adopt(template, theirs)
    assert content(template, "packages/default_repo") == f"../{PROJECT}"


@pytest.mark.parametrize(
    "code",
    [
        "from yaml.utils import money",  # a package has this first name
        "from tools.utils import money",  # a folder beside the project
        "from transformers.utils import money",  # a folder of the project
        "from default_repo.utils import rates",  # there is no such file
        "open('/home/src/mage_data/pipelines.csv')",
        "run('ls', '/home/src/other')",
    ],
)
def test_a_name_of_something_else_is_not_the_projects(template: Path, theirs: Path, code: str) -> None:
    write(theirs, {"utils/money.py": "", "transformers/clean.py": code})
    write(theirs.parent, {"tools/__init__.py": ""})
    assert plan_of(template, theirs)["own_name"] is None


def test_a_project_that_nobody_names_gets_no_second_name(template: Path, theirs: Path) -> None:
    assert not plan_of(template, theirs)["own_name"]


def test_packages_beside_the_project_come_with_those_that_they_import(template: Path, theirs: Path) -> None:
    write(theirs, {"transformers/clean.py": "from tools.money import rounded\n"})
    write(
        theirs.parent,
        {"tools/money.py": "import rates\n", "tools/money.csv": "1\n", "rates.py": "", "other.py": ""},
    )
    adopt(template, theirs)
    assert listed(template, "packages") == [
        "packages/rates.py",
        "packages/tools/money.csv",
        "packages/tools/money.py",
    ]


def test_of_a_package_around_the_project_the_imported_parts_come(template: Path, theirs: Path) -> None:
    write(theirs, {"transformers/clean.py": "from shop.tools.money import rounded\nimport shop.unit_3\n"})
    around = theirs.parent
    theirs = theirs.rename(around.parent / "unit_3")
    (around / "shop").mkdir()
    theirs = theirs.rename(around / "shop" / "unit_3")
    write(around / "shop", {"__init__.py": "", "tools/money.py": "", "tools/.env": "", "more/x.py": ""})
    in_git(around / "shop")
    adopt(template, theirs)
    assert listed(template, "packages") == ["packages/shop/__init__.py", "packages/shop/tools/money.py"]


def test_a_project_without_metadata_is_one_if_it_has_a_pipeline(template: Path, theirs: Path) -> None:
    (theirs / "metadata.yaml").unlink()
    assert plan_of(template, theirs)["files"] == len(FILES) - 1


# What stays behind


STATE = {
    ".env": "PASSWORD=x\n",
    ".file_versions/a/1": "",
    ".variables/x": "",
    "mage-ai.db": "",
    "dbt/dbt_project.yml": "",
    "dbt/dbt_packages/x.sql": "",
    "dbt/target/x.json": "",
    "utils/__pycache__/x.pyc": "",
    ".ssh_tunnel/aws_emr.json": "{}",
    "venv/lib/x.py": "",
}


@pytest.mark.parametrize("versioned", [False, True])
def test_state_stays_behind_by_name(template: Path, theirs: Path, versioned: bool) -> None:
    write(theirs, STATE)
    if versioned:
        in_git(theirs)
    plan = plan_of(template, theirs)
    assert {left["path"] for left in plan["left"]} == {
        ".env",
        ".file_versions/",
        ".variables/",
        "mage-ai.db",
        "dbt/dbt_packages/",
        "dbt/target/",
        "utils/__pycache__/",
        ".ssh_tunnel/",
        "venv/",
    }
    assert plan["files"] == len(FILES) + 1
    assert not [path for path in plan["changed"] if path.endswith(".env")]


def test_what_git_does_not_know_there_is_told(template: Path, theirs: Path) -> None:
    in_git(theirs)
    write(theirs, {"new/block.py": "", ".gitignore": "secret.txt\n", "secret.txt": ""})
    left = {left["path"]: left["why"] for left in plan_of(template, theirs)["left"]}
    assert left.keys() == {"new/", ".gitignore", "secret.txt"}
    assert "git add" in left["new/"]


def test_packages_for_more_than_the_project_are_left_to_a_person(template: Path, theirs: Path) -> None:
    write(theirs.parent, {"requirements.txt": "polars\n"})
    (left,) = plan_of(template, theirs)["left"]
    assert left == {
        "path": "../requirements.txt",
        "why": f"write the packages that the project needs into {PROJECT}/requirements.txt",
    }


def test_a_submodule_comes_if_it_is_checked_out_there(template: Path, theirs: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    write(shared / "code", {"money.py": ""})
    in_git(shared / "code")
    in_git(theirs)
    git(theirs, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(shared), "shared")
    assert f"{PROJECT}/shared/code/money.py" in plan_of(template, theirs)["changed"]
    git(theirs, "submodule", "--quiet", "deinit", "--force", "shared")
    (left,) = plan_of(template, theirs)["left"]
    assert (left["path"], "not checked out" in left["why"]) == ("shared/", True)


# Refusals


def test_a_folder_that_is_not_there_is_refused(template: Path, tmp_path: Path) -> None:
    assert refused(template, "adopt", str(tmp_path / "nothing"), "--yes")["code"] == "no-folder"


def test_a_folder_without_a_project_is_refused(template: Path, theirs: Path) -> None:
    error = refused(template, "adopt", str(theirs / "pipelines" / "sales"), "--yes")
    assert error["code"] == "not-a-mage-project"


def test_of_several_projects_one_has_to_be_named(template: Path, theirs: Path) -> None:
    write(theirs.parent / "unit_4", FILES)
    error = refused(template, "adopt", str(theirs.parent), "--yes")
    assert error["code"] == "several-projects"
    assert error["fix"].count("scripts/adopt.py") == 2


def test_a_folder_of_this_clone_is_refused(template: Path) -> None:
    assert refused(template, "adopt", str(template / PROJECT), "--yes")["code"] == "inside-this-clone"


def test_another_project_than_the_example_stays(project: Path, theirs: Path) -> None:
    assert refused(project, "adopt", str(theirs), "--yes")["code"] == "already-adopted"


def test_uncommitted_work_is_refused(template: Path, theirs: Path) -> None:
    write(template, {f"{PROJECT}/transformers/clean.py": TRANSFORMER + "\n"})
    assert refused(template, "adopt", str(theirs), "--yes")["code"] == "uncommitted-changes"


def test_a_branch_of_that_name_with_something_else_is_kept(template: Path, theirs: Path) -> None:
    git(template, "branch", BRANCH)
    assert refused(template, "adopt", str(theirs), "--yes")["code"] == "branch-exists"


def test_without_a_terminal_there_is_no_question(template: Path, theirs: Path) -> None:
    assert refused(template, "adopt", str(theirs))["code"] == "no-terminal"


def test_a_kill_at_every_step_leaves_no_branch_or_all_of_it(template: Path, theirs: Path) -> None:
    before = untouched(template)
    for exit_code in killed_at_every_step(template, "adopt", str(theirs), "--yes"):
        after = untouched(template)
        made = after.pop(f".git/refs/heads/{BRANCH}", None)
        assert after == before
        assert made or exit_code
        if made:
            assert f"{PROJECT}/data/rates.csv" in listed(template)
            git(template, "branch", "--quiet", "-D", BRANCH)
            before = untouched(template)


# Connections and secrets

IO_CONFIG = """\
version: 0.1.1
default:
  # Ours
  POSTGRES_DBNAME: shop
  POSTGRES_HOST: "db.internal"   # the old one
  POSTGRES_PORT: 5432
  POSTGRES_USER: {{ env_var('SHOP_USER') }}
  POSTGRES_PASSWORD: Tr0ub4dor&3
  MYSQL_HOST: host
  MYSQL_PASSWORD: password
lake:
  AWS_SECRET_ACCESS_KEY: wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzABCKEY11
  AWS_REGION: eu-central-1
"""
SQL = {"data_provider": "postgres", "data_provider_profile": "default", "use_raw_sql": True}


@pytest.fixture
def connected(theirs: Path) -> Path:
    """A project with connections written into it, of which it uses one."""
    blocks = [{"uuid": "load", "type": "data_loader", "language": "sql", "configuration": SQL}]
    write(
        theirs,
        {
            "io_config.yaml": IO_CONFIG,
            "data_loaders/load.sql": "select 1\n",
            "pipelines/sales/metadata.yaml": yaml.safe_dump(PIPELINE | {"blocks": blocks}),
        },
    )
    return theirs


def io_of(clone: Path, environment: str) -> dict[str, Any]:
    io: dict[str, Any] = yaml.safe_load(content(clone, f"environments/{environment}/values.yaml"))["io"]
    return io


def test_literal_connections_become_variables(template: Path, connected: Path) -> None:
    adopt(template, connected)
    lines = content(template, f"{PROJECT}/io_config.yaml").splitlines()
    assert lines[:8] == [
        "version: 0.1.1",
        "default:",
        "  # Ours",
        "  POSTGRES_DBNAME: \"{{ env_var('POSTGRES_DBNAME') }}\"",
        "  POSTGRES_HOST: \"{{ env_var('POSTGRES_HOST') }}\"",
        "  POSTGRES_PORT: \"{{ env_var('POSTGRES_PORT') }}\"",
        "  POSTGRES_USER: {{ env_var('SHOP_USER') }}",
        "  POSTGRES_PASSWORD: {{ env_var('POSTGRES_PASSWORD') | tojson }}",
    ]
    assert lines[8:10] == ["  MYSQL_HOST: host", "  MYSQL_PASSWORD: password"]
    assert lines[11] == "  AWS_SECRET_ACCESS_KEY: {{ env_var('LAKE_AWS_SECRET_ACCESS_KEY') | tojson }}"


def test_the_first_environment_has_the_known_values_and_others_wait_for_them(
    template: Path, connected: Path
) -> None:
    adopt(template, connected)
    known = {"POSTGRES_DBNAME": "shop", "POSTGRES_HOST": "db.internal", "POSTGRES_PORT": "5432"}
    assert io_of(template, "dev")["settings"] == known | {"SHOP_USER": "TODO"}
    assert io_of(template, "prod")["settings"] == dict.fromkeys([*known, "SHOP_USER"], "TODO")
    for name in ("dev", "prod"):
        assert io_of(template, name)["secrets"] == {
            "POSTGRES_PASSWORD": {"name": "unit-3", "key": "POSTGRES_PASSWORD"}
        }


def test_what_mage_init_writes_into_io_config_stays_as_it_is(template: Path, theirs: Path) -> None:
    template_of_mage = "mage_ai/data_preparation/templates/repo/io_config.yaml"
    written = Path(str(distribution("mage-ai").locate_file(template_of_mage)))
    write(theirs, {"io_config.yaml": written.read_bytes()})
    assert plan_of(template, theirs)["changes"] == []


def test_a_variable_in_small_letters_keeps_its_name(template: Path, connected: Path) -> None:
    write(connected, {"io_config.yaml": IO_CONFIG.replace("SHOP_USER", "shop_user")})
    adopt(template, connected)
    assert "shop_user" in io_of(template, "dev")["settings"]
    findings = plan_of(template, connected)["findings"]
    assert {finding["code"] for finding in findings} == {"value-to-fill-in"}


def test_a_value_that_waits_is_a_finding_with_its_line(template: Path, connected: Path) -> None:
    findings = [each for each in plan_of(template, connected)["findings"] if each["code"] == "value-to-fill-in"]
    (dev,) = (each for each in findings if each["environments"] == ["dev"] or "dev" in each["path"])
    assert dev["problem"].startswith("io.settings.SHOP_USER")
    assert dev["line"]


def test_a_secret_is_nowhere_in_the_clone(template: Path, connected: Path) -> None:
    result = adopt(template, connected, "--json")
    every_object = ["git", "cat-file", "--batch-all-objects", "--batch"]
    stored = subprocess.run(every_object, cwd=template, capture_output=True, check=True).stdout
    assert b"MYSQL_HOST" in stored
    for secret in ("Tr0ub4dor&3", "wJalrXUtnFEMI"):
        assert secret.encode() not in stored
        assert secret not in result.stdout + result.stderr


def test_the_command_that_makes_the_secret_is_told_without_its_value(template: Path, connected: Path) -> None:
    told = adopt(template, connected).stdout
    assert "kubectl --namespace mage-prod create secret generic unit-3 --from-literal=POSTGRES_PASSWORD=…" in told


def test_a_secret_of_mages_database_becomes_one_of_the_environment(template: Path, connected: Path) -> None:
    code = "from mage_ai.data_preparation.shared.secrets import get_secret_value\nget_secret_value('api_key')\n"
    blocks = [{"uuid": "ask", "type": "data_loader", "language": "python"}]
    metadata = yaml.safe_dump(PIPELINE | {"blocks": blocks})
    write(connected, {"data_loaders/ask.py": code, "pipelines/sales/metadata.yaml": metadata})
    assert plan_of(template, connected)["secrets_of_mage"] == ["api_key"]
    assert "--from-literal=api_key=…" in adopt(template, connected).stdout


# Triggers

TRIGGERS = """\
triggers:
- name: every night
  schedule_type: time
  schedule_interval: '@daily'
  status: active
  start_time: 2024-01-01 00:00:00
  sla: 3600
  settings: {timeout: 600, skip_if_previous_running: true}
  variables: {days: 2}
  envs: [staging]
- name: by hand
  schedule_type: api
  status: active
  token: 0123456789abcdef
- name: on arrival
  schedule_type: event
  status: active
"""


@pytest.fixture
def triggered(theirs: Path) -> Path:
    write(theirs, {"pipelines/sales/triggers.yaml": TRIGGERS})
    return theirs


def schedules_of(clone: Path, environment: str) -> dict[str, Any]:
    values = yaml.safe_load(content(clone, f"environments/{environment}/values.yaml"))
    schedules: dict[str, Any] = values["schedules"]
    return schedules


def test_triggers_become_schedules_that_fire_where_they_are_for(template: Path, triggered: Path) -> None:
    adopt(template, triggered)
    assert f"{PROJECT}/pipelines/sales/triggers.yaml" not in listed(template)
    nightly = {name: schedules_of(template, name)["every-night"] for name in ("dev", "staging", "prod")}
    assert {name: entry["enabled"] for name, entry in nightly.items()} == {
        "dev": False,
        "staging": True,
        "prod": False,
    }
    assert nightly["staging"] == {
        "name": "every night",
        "pipeline": "sales",
        "interval": "@daily",
        "enabled": True,
        "startTime": "2024-01-01T00:00:00+00:00",
        "timeout": 600,
        "skipIfPreviousRunning": True,
        "sla": 3600,
        "variables": {"days": 2},
    }


def test_a_trigger_without_environments_fires_in_the_last_one(template: Path, triggered: Path) -> None:
    adopt(template, triggered)
    enabled = {name: schedules_of(template, name)["by-hand"]["enabled"] for name in ("dev", "staging", "prod")}
    assert enabled == {"dev": False, "staging": False, "prod": True}


def test_the_token_of_an_api_trigger_stays_out_of_git(template: Path, triggered: Path) -> None:
    told = adopt(template, triggered).stdout
    assert "create secret generic mage-triggers --from-literal=by-hand=…" in told
    assert "0123456789abcdef" not in told
    assert "0123456789abcdef" not in content(template, "environments/prod/values.yaml")


def test_what_of_a_trigger_cannot_be_kept_is_told(template: Path, triggered: Path) -> None:
    left = {each["path"]: each["why"] for each in plan_of(template, triggered)["left"]}
    assert "no event matchers" in left["trigger on arrival of sales"]


def test_a_trigger_of_a_running_mage_wins_over_the_file(
    template: Path, triggered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = {
        "pipeline_uuid": "sales",
        "schedule_type": "time",
        "schedule_interval": "@hourly",
        "status": "active",
    }
    made_there = [running | {"name": "every night"}, running | {"name": "x", "pipeline_uuid": "another"}]
    monkeypatch.setattr("promotion.commands.adopt.triggers_of", lambda url: made_there)
    result = call_script(template, "adopt", str(triggered), "--yes", "--triggers-from", "http://mage", "--json")
    staging = schedules_of(template, "staging")["every-night"]
    assert (staging["interval"], staging["enabled"]) == ("@hourly", True)
    assert "trigger x of another" in {left["path"] for left in result.document["adoption"]["left"]}


# The gate


def test_what_the_gate_says_of_the_result_is_told(template: Path, theirs: Path) -> None:
    blocks = [{"uuid": "gone", "type": "data_loader", "language": "python"}]
    write(theirs, {"pipelines/sales/metadata.yaml": yaml.safe_dump(PIPELINE | {"blocks": blocks})})
    findings = plan_of(template, theirs)["findings"]
    assert "block-file-missing" in {finding["code"] for finding in findings}
