"""A clone with one pipeline, `stock`, that fills a table; and ways in which it fails."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import helpers
from helpers import WHOLE_IO_CONFIG, block, push, write, write_pipeline

PROMOTION = "mage_project/pipelines/stock/promotion.yaml"
VALUES = "environments/dev/values.yaml"
LOADER = """\
import os

from pandas import DataFrame

if 'data_loader' not in globals():
    from mage_ai.data_preparation.decorators import data_loader
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


@data_loader
def load(*args, **kwargs):
    return DataFrame({{'item': ['apple', 'pear'], 'stock': [{stock}, 7]}})


@test
def test_stock_is_not_negative(items, *args):
    assert (items['stock'] >= 0).all(), 'negative stock'
"""
EXPORTER = """\
create table if not exists public.stock (item text, stock bigint, written_at timestamptz);
{before}
insert into public.stock values ('apple', 3, clock_timestamp());
"""
UPSERTING = EXPORTER.format(before="delete from public.stock;")
APPENDING = EXPORTER.format(before="")
SETTINGS = {"WAREHOUSE_HOST": "db", "WAREHOUSE_PORT": "5432", "WAREHOUSE_DATABASE": "w", "WAREHOUSE_USER": "mage"}
SECRETS = {"WAREHOUSE_PASSWORD": {"name": "warehouse", "key": "password"}}
_SQL = {"data_provider": "postgres", "data_provider_profile": "default", "use_raw_sql": True}


def make_clone(folder: Path, files: Mapping[str, str] | None = None) -> Path:
    """Make a clone whose main has the pipeline, sound, and `files`; its dev asks for every gate."""
    clone = helpers.make_clone(folder)
    for name in ("orders", "returns"):
        shutil.rmtree(clone / "mage_project/pipelines" / name)
    write_pipeline(
        clone,
        "stock",
        [
            block("load_stock", "data_loader"),
            block("save", "data_exporter", ["load_stock"], language="sql", configuration=_SQL),
        ],
    )
    write(
        clone,
        {
            "mage_project/io_config.yaml": WHOLE_IO_CONFIG,
            "mage_project/data_loaders/load_stock.py": LOADER.format(stock=3),
            "mage_project/data_exporters/save.sql": UPSERTING,
            PROMOTION: "smoke: {volatile: [public.stock.written_at]}\n",
            VALUES: values(),
            **(files or {}),
        },
    )
    policy = clone / "environments/dev/policy.yaml"
    if not files or str(policy.relative_to(clone)) not in files:
        helpers.write_environment_gates(clone, "dev", ["static", "smoke"])
    push(clone)
    return clone


def values(**settings: str) -> str:
    """Return dev's values with `settings` beside or over those that it needs."""
    return helpers.values("dev", io={"settings": SETTINGS | settings, "secrets": SECRETS})
