"""The image must have dbt, with the adapter of the database, for pipelines with dbt blocks."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from basics.errors import Finding
from promotion.layout import PROJECT
from promotion.pipelines.block_files import dbt_folders
from promotion.pipelines.dbt_profiles import used_settings
from promotion.pipelines.jinja import SUPPLIED
from promotion.pipelines.project import Project


def dbt_findings(project: Project, pipelines: Iterable[str], locked: Container[str]) -> Iterator[Finding]:
    """Yield a finding for each dbt project of `pipelines` that needs packages of dbt that are not `locked`.

    Without dbt, Mage does not even load the pipeline.
    """
    needed: dict[str, set[str]] = {}
    for name in pipelines:
        for folder, packages in project.recall("dbt packages", name, _needed):
            needed.setdefault(folder, set()).update(packages)
    for folder in needed:
        if missing := sorted(package for package in needed[folder] if package not in locked):
            problem = f"a dbt block needs {' and '.join(missing)}, which the lock has not"
            fix = f"add {_pinned(missing)} to {PROJECT}/requirements.txt, run make lock, and promote all pipelines"
            yield Finding(f"{folder}/dbt_project.yml", None, "package-missing", problem, fix)


def _needed(project: Project, name: str) -> list[tuple[str, list[str]]]:
    """Return, for each dbt project of the pipeline, dbt itself and the adapter that the used target says."""
    tree, pipeline = project.tree, project.closure(name).pipeline
    found = []
    for block in pipeline.blocks if pipeline else ():
        for folder in dbt_folders(tree, block)[:1] if block.type == "dbt" else ():
            values = [leaf for _, leaf in used_settings(tree, block) if leaf.keys[1] == "outputs"]
            kinds = [leaf.text for leaf in values if leaf.keys[3:] == ("type",) and SUPPLIED not in leaf.text]
            found.append((folder, ["dbt-core", *(f"dbt-{kind}" for kind in kinds)]))
    return found


def _pinned(packages: Iterable[str]) -> str:
    """Return `packages` in the versions that Mage asks for in its extra `dbt`, as far as it does."""
    from promotion.pipelines.installed_packages import of_mages_extras  # imported here, as few plans need it

    known = of_mages_extras()
    return " and ".join(f"{name}{known[name].specifier}" if name in known else name for name in packages)
