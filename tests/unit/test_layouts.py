"""Projects as teams have them: adopted and verified, each true finding is told and no false one.

Each project has a fault that fails or leaks in a pod, among what only looks like one. The figures are printed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from helpers import PROJECT, ROOT, SECRET, call_script, git, push, write
from promotion.adopting.plan import EXAMPLES_ID

LOCK = (ROOT / "requirements.txt").read_text()
VALUES = [f"environments/{name}/values.yaml" for name in ("dev", "prod", "staging")]
BLOCK = """\
{code}

if 'custom' not in dir():
    from mage_ai.data_preparation.decorators import custom


@custom
"""
RUN = "def run(*args, **kwargs):\n    return 1\n"
TOKEN = "0b5c1f7e92a34d6c8e0f1a2b3c4d5e6f"
TRIGGERS = f"""\
triggers:
- name: nightly
  schedule_type: time
  schedule_interval: '@daily'
  start_time: 2024-01-01 00:00:00
  status: active
  sla: 3600
  settings: {{skip_if_previous_running: true, timeout: 60}}
  envs: [dev, prod]
  token: {TOKEN}
- {{name: called, schedule_type: api, status: active, token: {TOKEN}}}
"""
KAFKA = "connector_type: kafka\nbootstrap_server: \"{{ env_var('KAFKA', 'localhost:9092') }}\"\ntopic: orders\n"
UNUSED = "default:\n  POSTGRES_PASSWORD: \"{{ env_var('NOBODY_READS_IT') }}\"\n  SNOWFLAKE_PASSWORD: password\n"
PROFILES = "shop: {target: dev, outputs: {dev: {type: postgres, password: \"{{ env_var('SHOP_PASSWORD') }}\"}}}\n"


class Layout(NamedTuple):
    """A team's repository, the project's folder in it, and its true findings by code and path."""

    name: str
    folder: str
    files: dict[str, str]
    faults: list[tuple[str, str]]


def block(uuid: str, kind: str = "custom", **more: Any) -> dict[str, Any]:
    return {"uuid": uuid, "type": kind, "language": "python"} | more


def pipeline(name: str, *blocks: dict[str, Any], **more: Any) -> dict[str, str]:
    content = {"name": name, "uuid": name, "type": "python", "blocks": list(blocks)} | more
    return {f"pipelines/{name}/metadata.yaml": yaml.safe_dump(content)}


def code(text: str = "", uuid: str = "x") -> dict[str, str]:
    return {f"custom/{uuid}.py": BLOCK.format(code=text) + RUN}


X = f"{PROJECT}/custom/x.py"
SALES = pipeline("sales", block("x"))
SALES_PATH = f"{PROJECT}/pipelines/sales/metadata.yaml"
LAYOUTS = [
    Layout(
        "imports itself by its folder's name",
        "mono/unit_3",
        pipeline("sales", block("x", configuration={"file_path": "unit_3/custom/x.py"}))
        | code("from unit_3.utils.money import rounded\nfrom unit_3.utils import gone")
        | {"utils/money.py": "rounded = round\nopen('/home/src/unit_3/rates.csv')\n", "rates.csv": "a\n"},
        [("import-missing", X)],
    ),
    Layout(
        "imports itself by a name that its clone has not",
        "our-pipelines",
        SALES
        | code("from default_repo.utils.money import rounded\nfrom default_repo.utils.gone import lost")
        | {"utils/money.py": "rounded = round\n"},
        [("import-missing", X)],
    ),
    Layout(
        "imports itself from two folders up",
        "shop",
        SALES
        | code("from default_repo.shop.utils.money import rounded")
        | {"utils/money.py": "rounded = round\n"},
        [("import-missing", X)],
    ),
    Layout(
        "a package beside it",
        "mono/project",
        SALES
        | code("from tools.rates import rate")
        | {
            "../tools/rates.py": "import no_such_package_of_anybody\nrate = 1\n",
            "../tools/unused.py": "import nothing_x\n",
        },
        [("package-missing", "packages/tools/rates.py")],
    ),
    Layout(
        "triggers in files",
        "my-mage-code",
        pipeline("sales", block("x"), block("gone"))
        | code()
        | {"pipelines/sales/triggers.yaml": TRIGGERS, "requirements.txt": "# none\n"},
        [("block-file-missing", SALES_PATH)],
    ),
    Layout(
        "packages of its own, others beside it",
        "mono/default_repo",
        SALES
        | code("import feedparser\nimport pandas")
        | {"requirements.txt": "feedparser\npandas\n", "../requirements.txt": "torch\n"},
        [("package-not-locked", f"{PROJECT}/requirements.txt")],
    ),
    Layout(
        "dbt with packages checked in",
        "default_repo",
        pipeline(
            "sales",
            block("shop/models/m", "dbt", language="sql", configuration={"file_path": "dbt/shop/models/m.sql"}),
        )
        | {
            "dbt/shop/dbt_project.yml": "name: shop\nprofile: shop\n",
            "dbt/shop/profiles.yml": PROFILES,
            "dbt/shop/models/m.sql": "select 1\n",
            "dbt/shop/dbt_packages/x/integration_tests/profiles.yml": "x: \"{{ env_var('NOBODY') }}\"\n",
        },
        [("package-missing", f"{PROJECT}/dbt/shop/dbt_project.yml")],
    ),
    Layout(
        "no io_config.yaml",
        "magic-zoomcamp",
        SALES
        | code("import os\nhost = os.environ['SHOP_HOST']\nzone = os.getenv('SHOP_ZONE', 'UTC')")
        | code("import os\nos.environ['OF_NO_PIPELINE']", "unused"),
        [("value-to-fill-in", path) for path in VALUES],
    ),
    Layout("no pipeline yet", "new", {"io_config.yaml": UNUSED, "pipelines/.gitkeep": ""}, []),
    Layout(
        "state and secrets checked in",
        "magic-zoomcamp",
        pipeline("sales", block("x"), block("gone"))
        | code()
        | {
            "io_config.yaml": UNUSED,
            ".env": f"API_TOKEN={SECRET}\n",
            ".file_versions/io_config.yaml/1": f"POSTGRES_PASSWORD: {SECRET}\n",
            ".variables/sales/x/output_0/data.json": f'{{"password": "{SECRET}"}}',
            "scratchpads/try.ipynb": json.dumps({"cells": [{"source": [f"password = '{SECRET}'\n"]}]}, indent=1),
        },
        [("block-file-missing", SALES_PATH), ("secret-in-clear", f"{PROJECT}/scratchpads/try.ipynb")],
    ),
    Layout(
        "block types of Mage, and one of Mage Pro",
        "project",
        pipeline(
            "sales",
            block("x", configuration={"dynamic": True}),
            block("product", "global_data_product", configuration={"global_data_product": {"uuid": "stock"}}),
            block("notes", "markdown", language="markdown"),
            block("prompt", "ai"),
            conditionals=[block("only_if", "conditional", upstream_blocks=["x"])],
        )
        | code()
        | pipeline("stock", block("y"))
        | code(uuid="y")
        | {
            "conditionals/only_if.py": BLOCK.format(code="").replace("custom", "condition") + RUN,
            "global_data_products.yaml": "stock: {object_type: pipeline, object_uuid: stock}\n",
            "markdowns/notes.md": "# Notes\n",
            "scratchpads/try.py": "import nothing_x\n",
        },
        [("malformed-key", SALES_PATH)],
    ),
    Layout(
        "a streaming pipeline",
        "project",
        pipeline(
            "sales",
            block("kafka", "data_loader", language="yaml"),
            block("lost", "data_exporter", language="yaml"),
            type="streaming",
        )
        | {"data_loaders/kafka.yaml": KAFKA},
        [("block-file-missing", SALES_PATH)],
    ),
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_what_is_told_of_a_layout_is_true_and_all_that_is(
    layout: Layout, project: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    write(project, {f"{PROJECT}/metadata.yaml": f"{EXAMPLES_ID}\n", "requirements.txt": LOCK})
    push(project)
    theirs = tmp_path / "a team's" / layout.folder
    write(theirs, {"metadata.yaml": "project_type: standalone\n"} | layout.files)
    adopted = call_script(project, "adopt", str(theirs), "--yes", "--json")
    assert adopted.exit_code == 0, adopted.stderr
    git(project, "merge", "--quiet", "--ff-only", adopted.document["adoption"]["branch"])
    begin = time.monotonic()
    verified = call_script(project, "verify", ".", "--json")
    seconds = time.monotonic() - begin
    assert verified.exit_code == (3 if layout.faults else 0), verified.stderr
    findings = verified.document.get("error", {}).get("findings", [])
    told = sorted((finding["code"], finding["path"]) for finding in findings)
    false = [finding for finding in findings if (finding["code"], finding["path"]) not in layout.faults]
    for column, figure in (("findings", len(told)), ("false", len(false)), ("seconds", f"{seconds:.1f}")):
        record_property(column, figure)
    assert told == sorted(layout.faults), findings
    assert SECRET not in adopted.stdout + adopted.stderr + verified.stdout + verified.stderr
