"""A shop's repository: three pipelines, and three environments that differ as they do in real ones."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from helpers import PROJECT, WHOLE_IO_CONFIG, block, dumped, repository_files, schedule, write, write_pipeline
from kind.release import SMALL
from mage.projects import WAREHOUSE_LOGIN

_SQL = {"data_provider": "postgres", "data_provider_profile": "default", "use_raw_sql": True}
_STOCK = """\
create table if not exists public.stock (item text, crates bigint);
delete from public.stock;
insert into public.stock values ('apples', 3);
"""
# What a tax is, stands in the values of each environment: prod's has a comma.
_ORDERS = """\
import os

if 'data_loader' not in globals():
    from mage_ai.data_preparation.decorators import data_loader


@data_loader
def load_orders(*args, **kwargs):
    tax = os.environ['TAX']
    return [{'order': 1, 'net': 100, 'tax': tax}]
"""
# In prod the truck comes when somebody says so, elsewhere it is always there.
_WAREHOUSE = f"""\
import os
import time

import psycopg2

if 'custom' not in globals():
    from mage_ai.data_preparation.decorators import custom

{WAREHOUSE_LOGIN}

def ask(question):
    with psycopg2.connect(**warehouse_login()) as connection, connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchall() if cursor.description else []


@custom
"""
_WAIT = """\
def wait_for_truck(*args, **kwargs):
    ask('create table if not exists public.trucks (crates bigint)')
    while os.environ['ENV'] == 'prod' and not ask('select 1 from public.trucks'):
        time.sleep(1)
"""
_UNLOAD = """\
def unload_truck(*args, **kwargs):
    ask('create table if not exists public.unloaded (crates bigint)')
    ask('delete from public.unloaded')
    ask('insert into public.unloaded select coalesce(sum(crates), 0) from public.trucks')
"""
_TAX = {"dev": "19.0", "staging": "19.0", "prod": "19,0"}
_SOURCE = {"dev": "main", "staging": "dev", "prod": "staging"}
_EVERY_MINUTE = {name: schedule(name, "* * * * *") for name in ("orders", "stock")}
_ONCE = {"truck": {"pipeline": "truck", "interval": "@once", "enabled": True, "timeout": 3600}}


def write_shop(clone: Path, image: str, registry: str, context: str) -> None:
    """Write the repository: this one's tools, the shop's project on top of `image`, images in `registry`.

    dev and prod are in namespaces of these names, in the cluster of `context`.
    """
    for path, file in repository_files().items():
        if _is_tool(path):
            (clone / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, clone / path)
    write(clone, _project() | _environments(context))
    _pipelines(clone)
    write(
        clone,
        {
            "Dockerfile": f"FROM {image}\nCOPY mage_project /srv/release/mage_project\n",
            "environments/registry.yaml": f"repository: {registry}\n",
        },
    )


def _is_tool(path: str) -> bool:
    return path.startswith(("charts/", "gitops/", "scripts/")) or path in ("requirements.txt", ".gitignore")


def _project() -> dict[str, str]:
    return {
        f"{PROJECT}/metadata.yaml": "project_type: standalone\nproject_uuid: shop\n",
        f"{PROJECT}/io_config.yaml": WHOLE_IO_CONFIG,
        f"{PROJECT}/data_exporters/save_stock.sql": _STOCK,
        f"{PROJECT}/data_loaders/load_orders.py": _ORDERS,
        f"{PROJECT}/custom/wait_for_truck.py": _WAREHOUSE + _WAIT,
        f"{PROJECT}/custom/unload_truck.py": _WAREHOUSE + _UNLOAD,
    }


def _pipelines(clone: Path) -> None:
    save = block("save_stock", "data_exporter", language="sql", configuration=_SQL)
    write_pipeline(clone, "stock", [save])
    write_pipeline(clone, "orders", [block("load_orders", "data_loader")])
    wait, unload = block("wait_for_truck", "custom"), block("unload_truck", "custom", ["wait_for_truck"])
    write_pipeline(clone, "truck", [wait, unload])


def _environments(context: str) -> dict[str, str]:
    files: dict[str, str] = {}
    for name, source in _SOURCE.items():
        policy: dict[str, Any] = {"source": source, "gates": ["static"]}
        if name != "staging":
            policy["cluster"] = {"context": context, "namespace": name}
        files[f"environments/{name}/policy.yaml"] = dumped(policy, sort_keys=False)
        files[f"environments/{name}/values.yaml"] = dumped(_values(name), sort_keys=False)
    return files


def _values(name: str) -> dict[str, Any]:
    """Only prod has blocks as Jobs, and schedules that fire."""
    in_prod = name == "prod"
    return {
        "env": name,
        "io": {"settings": {"TAX": _TAX[name]}, "secrets": {}},
        "schedules": _EVERY_MINUTE | _ONCE if in_prod else {},
        "postgres": SMALL["postgres"] | {"databases": ["warehouse"]},
        "executor": SMALL["executor"] | {"type": "k8s" if in_prod else "local"},
        **{each: SMALL[each] for each in ("web", "scheduler", "jobs")},
    }
