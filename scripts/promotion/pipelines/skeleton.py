"""The first version of a pipeline or a block, in the style of the project that it comes into."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from promotion.layout import PROJECT
from promotion.pipelines.project import Project

# MAGE.md: decorators
_GUARD = re.compile(
    r"^(?:if|try)\b[^\n]*:\n    from mage_ai\.data_preparation\.decorators import (\w+)\n"
    r"(?:except[^\n]*:\n    pass\n)?",
    re.MULTILINE,
)
_USUAL_GUARD = "if 'NAME' not in globals():\n    from mage_ai.data_preparation.decorators import NAME\n"
_PLACES = {"data_loader": "data_loaders", "transformer": "transformers", "data_exporter": "data_exporters"}
_FUNCTIONS = {
    "data_loader": '''\
@data_loader
def {name}(*args, **kwargs):
    """Return the rows of the run's day: replace them by those of your source."""
    day = kwargs["execution_date"].date().isoformat()
    return pd.DataFrame([{{"day": day, "amount": 1}}, {{"day": day, "amount": 2}}])
''',
    "transformer": '''\
@transformer
def {name}(data, *args, **kwargs):
    """Return what the block before gave: replace this by your own work."""
    return data
''',
    "data_exporter": '''\
@data_exporter
def {name}(data, *args, **kwargs):
    """Tell how much there is to write: replace this by writing it."""
    print(f"{{len(data)}} rows")
''',
    "custom": '''\
@custom
def {name}(*args, **kwargs):
    """Do nothing: replace this by your own work."""
''',
}
_SQL = "-- Replace this by a query of your source; {{ execution_date }} is the run's day.\n"
_SQL += "select date '{{ execution_date }}' as day, amount from (values (1), (2)) as rows (amount)\n"
_TEST = '''\
"""What {transformer} makes of {rows}."""

from pathlib import Path

import pandas as pd

from {package}.transformers.{transformer} import {transformer}


def test_every_row_has_an_amount() -> None:
    rows = pd.read_csv(Path(__file__).with_name("fixtures") / "{rows}")
    assert {transformer}(rows)["amount"].notna().all()
'''
_PROMOTION = """\
# How a promotion tests this pipeline: it does these runs twice; the second time must leave the same tables.
needs: []
smoke:
  variables:
    - {execution_date: "2024-01-31"}
  volatile: []
"""


def pipeline_files(project: Project, name: str) -> dict[str, str]:
    """Return the files of a new pipeline `name`, by their paths."""
    names = [block.uuid for block in _loaders(project)]
    ends = sum(each.endswith("_loader") for each in names) > sum(each.startswith("load_") for each in names)
    loader = f"{name}_loader" if ends else f"load_{name}"
    transformer, rows = f"clean_{name}", f"{name}.csv"
    files = {}
    configuration = _configuration_of_sql(project)
    if configuration:
        files[f"{PROJECT}/data_loaders/{loader}.sql"] = _SQL
    else:
        files |= block_file(project, loader, "data_loader")
    files |= block_file(project, transformer, "transformer")
    files[f"{PROJECT}/tests/fixtures/{rows}"] = "day,amount\n2024-01-31,1\n2024-01-31,2\n"
    files[f"{PROJECT}/tests/test_{name}.py"] = _TEST.format(package=PROJECT, transformer=transformer, rows=rows)
    folder = f"{PROJECT}/pipelines/{name}"
    files[f"{folder}/promotion.yaml"] = _PROMOTION
    language = "sql" if configuration else "python"
    blocks = [
        _entry(loader, "data_loader", down=[transformer], language=language, configuration=configuration),
        _entry(transformer, "transformer", up=[loader]),
    ]
    metadata = {"blocks": blocks, "name": name, "type": "python", "uuid": name, "variables": {}, "widgets": []}
    return files | {f"{folder}/metadata.yaml": yaml.safe_dump(metadata)}


def block_file(project: Project, name: str, kind: str) -> dict[str, str]:
    """Return the file of a new Python block by its path."""
    imports = "import pandas as pd\n\n" if kind == "data_loader" else ""
    text = f"{imports}{_guard(project, kind)}\n\n{_FUNCTIONS[kind].format(name=name)}"
    return {f"{PROJECT}/{_PLACES.get(kind, kind)}/{name}.py": text}


def with_block(metadata: Mapping[str, Any], name: str, kind: str) -> str:
    """Return the text of a pipeline's `metadata` with a new block behind its last ones."""
    blocks = [dict(block) for block in metadata.get("blocks") or []]
    last = [] if kind == "data_loader" else [block for block in blocks if not block.get("downstream_blocks")][-1:]
    for block in last:
        block["downstream_blocks"] = [name]
    blocks.append(_entry(name, kind, up=[block["uuid"] for block in last]))
    return yaml.safe_dump({**metadata, "blocks": blocks}, allow_unicode=True)


def _entry(
    uuid: str,
    kind: str,
    *,
    up: Iterable[str] = (),
    down: Iterable[str] = (),
    language: str = "python",
    configuration: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "configuration": dict(configuration or {}),
        "downstream_blocks": list(down),
        "language": language,
        "name": uuid,
        "type": kind,
        "upstream_blocks": list(up),
        "uuid": uuid,
    }


# The style of the project


def _guard(project: Project, kind: str) -> str:
    """Return the import of a decorator in the form that most blocks of the project have."""
    decorator = kind
    forms: Counter[str] = Counter()
    for path in project.claimed:
        if path.endswith(".py") and project.tree.is_text(path):
            for match in _GUARD.finditer(project.tree.text(path)):
                forms[re.sub(rf"\b{match[1]}\b", "NAME", match[0])] += 1
    form = forms.most_common(1)[0][0] if forms else _USUAL_GUARD
    return form.replace("NAME", decorator)


def _loaders(project: Project) -> list[Any]:
    pipelines = (project.closure(name).pipeline for name in project.pipelines)
    return [block for each in pipelines if each for block in each.blocks if block.type == "data_loader"]


def _configuration_of_sql(project: Project) -> dict[str, Any]:
    """Return how the project's loaders in SQL reach PostgreSQL, if most of its loaders are; otherwise nothing."""
    loaders = _loaders(project)
    sql = [block for block in loaders if block.configuration.get("data_provider") == "postgres"]
    if not sql or 2 * len(sql) <= len(loaders):
        return {}
    profile = Counter(block.configuration.get("data_provider_profile") or "default" for block in sql)
    return {
        "data_provider": "postgres",
        "data_provider_profile": profile.most_common(1)[0][0],
        "use_raw_sql": True,
    }
