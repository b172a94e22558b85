"""Projects as teams have them, each with a fault that fails or leaks in a pod, among what only looks like one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from helpers import PROJECT, ROOT, SECRET, Result, call_script, git, push, write
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
SOURCE = "source: postgresql\nconfig: {password: \"{{ env_var('SHOP_PASSWORD') }}\"}\n"
UNUSED = "default:\n  POSTGRES_PASSWORD: \"{{ env_var('NOBODY_READS_IT') }}\"\n  SNOWFLAKE_PASSWORD: password\n"
PROFILES = "shop: {target: dev, outputs: {dev: {type: postgres, password: \"{{ env_var('SHOP_PASSWORD') }}\"}}}\n"


class Layout(NamedTuple):
    """A team's repository, the project's folder in it, and its true findings by code and path.

    With `mends`, which each replace a text in a file, it is sound; `lacks` says what keeps it from running here.
    """

    name: str
    folder: str
    files: dict[str, str]
    faults: list[tuple[str, str]]
    mends: tuple[tuple[str, str, str], ...] = ()
    lacks: str = ""


def block(uuid: str, kind: str = "custom", **more: Any) -> dict[str, Any]:
    return {"uuid": uuid, "type": kind, "language": "python"} | more


def pipeline(name: str, *blocks: dict[str, Any], **more: Any) -> dict[str, str]:
    content = {"name": name, "uuid": name, "type": "python", "blocks": list(blocks)} | more
    return {f"pipelines/{name}/metadata.yaml": yaml.safe_dump(content)}


def code(text: str = "", uuid: str = "x") -> dict[str, str]:
    return {f"custom/{uuid}.py": BLOCK.format(code=text) + RUN}


X = f"{PROJECT}/custom/x.py"
SALES = pipeline("sales", block("x"))
ASKED = f"{PROJECT}/requirements.txt"
NOTEBOOK = f"{PROJECT}/scratchpads/try.ipynb"
SALES_PATH = f"{PROJECT}/pipelines/sales/metadata.yaml"
WITHOUT_GONE = (SALES_PATH, "- language: python\n  type: custom\n  uuid: gone\n", "")
LAYOUTS = [
    Layout(
        "imports itself by its folder's name",
        "mono/unit_3",
        pipeline("sales", block("x", configuration={"file_path": "unit_3/custom/x.py"}))
        | code("from unit_3.utils.money import rounded\nfrom unit_3.utils import gone")
        | {"utils/money.py": "rounded = round\nRATES = '/home/src/unit_3/rates.csv'\n", "rates.csv": "a\n"},
        [("import-missing", X)],
        ((X, "import gone", "import money"),),
    ),
    Layout(
        "imports itself by a name that its clone has not",
        "our-pipelines",
        SALES
        | code("from default_repo.utils.money import rounded\nfrom default_repo.utils.gone import lost")
        | {"utils/money.py": "rounded = round\n"},
        [("import-missing", X)],
        ((X, "from default_repo.utils.gone import lost", ""),),
    ),
    Layout(
        "imports itself from two folders up",
        "shop",
        SALES
        | code("from default_repo.shop.utils.money import rounded")
        | {"utils/money.py": "rounded = round\n"},
        [("import-missing", X)],
        ((X, "default_repo.shop", PROJECT),),
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
        (("packages/tools/rates.py", "import no_such_package_of_anybody", ""),),
    ),
    Layout(
        "triggers in files",
        "my-mage-code",
        pipeline("sales", block("x"), block("gone"))
        | code()
        | {"pipelines/sales/triggers.yaml": TRIGGERS, "requirements.txt": "# none\n"},
        [("block-file-missing", SALES_PATH)],
        (WITHOUT_GONE,),
    ),
    Layout(
        "packages of its own, others beside it",
        "mono/default_repo",
        SALES
        | code("import feedparser\nimport pandas")
        | {"requirements.txt": "feedparser\npandas\n", "../requirements.txt": "torch\n"},
        [("package-not-locked", ASKED)],
        lacks="feedparser: make lock, and make .venv/installed",
    ),
    Layout(
        "packages asked for around it alone",
        "mono/default_repo",
        SALES | code("import pandas") | {"../requirements.txt": "pandas<2\n"},
        [("package-not-locked", ASKED)],
        ((ASKED, "pandas<2", "pandas"),),
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
        lacks="dbt-core and dbt-postgres: make lock, and make .venv/installed",
    ),
    Layout(
        "no io_config.yaml",
        "magic-zoomcamp",
        SALES
        | code("import os\nhost = os.environ['SHOP_HOST']\nzone = os.getenv('SHOP_ZONE', 'UTC')")
        | code("import os\nos.environ['OF_NO_PIPELINE']", "unused"),
        [("value-to-fill-in", VALUES[0])],
        tuple((path, "TODO", "shop.internal") for path in VALUES),
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
        [("block-file-missing", SALES_PATH), ("secret-in-clear", NOTEBOOK)],
        (WITHOUT_GONE, (NOTEBOOK, SECRET, "")),
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
        ((SALES_PATH, "- language: python\n  type: ai\n  uuid: prompt\n", ""),),
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
        [("block-file-missing", SALES_PATH), ("package-missing", f"{PROJECT}/data_loaders/kafka.yaml")],
        lacks="a Kafka, and kafka-python: make lock, and make .venv/installed",
    ),
    Layout(
        "an integration pipeline",
        "project",
        pipeline(
            "sales",
            block("from_shop", "data_loader", language="yaml"),
            block("to_lake", "data_exporter", language="yaml"),
            type="integration",
        )
        | {
            "data_loaders/from_shop.yaml": SOURCE,
            "data_exporters/to_lake.yaml": "destination: postgresql\nconfig: {}\n",
            "pipelines/sales/data_integration_catalog.json": '{"catalog": {"streams": []}}\n',
        },
        [("package-missing", f"{PROJECT}/data_exporters/to_lake.yaml")],
        lacks="mage-integrations: make lock, and make .venv/installed",
    ),
    Layout(
        "a pipeline in R",
        "project",
        pipeline("sales", block("x", "data_loader", language="r"), block("gone", language="r"))
        | {"data_loaders/x.r": "load_data <- function() { data.frame(a = 1) }\n"},
        [("block-file-missing", SALES_PATH)],
        ((SALES_PATH, "- language: r\n  type: custom\n  uuid: gone\n", ""),),
        lacks="" if shutil.which("Rscript") else "Rscript: install R",
    ),
]


def adopted(clone: Path, layout: Layout) -> Result:
    """Adopt the project in `clone`, whose project is no team's yet, and check its branch out."""
    write(clone, {f"{PROJECT}/metadata.yaml": f"{EXAMPLES_ID}\n", "requirements.txt": LOCK})
    push(clone)
    theirs = clone.parent.parent / "a team's" / layout.folder
    write(theirs, {"metadata.yaml": "project_type: standalone\n"} | layout.files)
    result = call_script(clone, "adopt", str(theirs), "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    git(clone, "merge", "--quiet", "--ff-only", result.document["adoption"]["branch"])
    return result


def mend(clone: Path, layout: Layout) -> None:
    """Do what verify.py asks for, and push it."""
    for path, fault, sound in layout.mends:
        text = (clone / path).read_text()
        assert fault in text
        write(clone, {path: text.replace(fault, sound)})
    push(clone)
