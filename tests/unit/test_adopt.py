"""`scripts/adopt.py`: a Mage project from elsewhere comes in whole, in one commit, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from disturbed import killed_at_every_step
from helpers import PROJECT, TRANSFORMER, call_script, git, refused, untouched, write
from promotion.layout import EXAMPLE
from unit.adoption import BRANCH, FILES, PIPELINE, adopt, content, in_git, listed, plan_of

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


# The gate


def test_what_the_gate_says_of_the_result_is_told(template: Path, theirs: Path) -> None:
    blocks = [{"uuid": "gone", "type": "data_loader", "language": "python"}]
    write(theirs, {"pipelines/sales/metadata.yaml": yaml.safe_dump(PIPELINE | {"blocks": blocks})})
    findings = plan_of(template, theirs)["findings"]
    assert "block-file-missing" in {finding["code"] for finding in findings}
