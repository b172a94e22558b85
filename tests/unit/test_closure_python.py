"""What Python code refers to beside its import statements: imports by name, and files by their paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import (
    LOADER,
    PROJECT,
    block,
    metadata_of,
    only,
    places,
    static_findings,
    tree_of,
    write,
    write_pipeline,
)
from promotion.pipelines.project import Project

MONEY = f"{PROJECT}/utils/money.py"
PROMOTION = f"{PROJECT}/pipelines/orders/promotion.yaml"
RATES, QUERY, NOTES = f"{PROJECT}/data/rates.csv", f"{PROJECT}/utils/query.sql", f"{PROJECT}/data/old/notes.txt"
FILES = dict.fromkeys([RATES, QUERY, NOTES, f"{PROJECT}/data/unused.csv"], "x\n")
HEAD = """\
import glob, importlib, importlib.resources, os
import pandas as pd
from os import path
from pathlib import Path
from importlib import import_module
from mage_ai.settings.repo import get_repo_path
"""


def closure(folder: Path, code: str) -> set[str]:
    """Return what a module with `code`, which two pipelines use, brings along."""
    write(folder, FILES | {MONEY: HEAD + code + "\n"})
    before = {
        MONEY,
        metadata_of("orders"),
        f"{PROJECT}/data_loaders/load_orders.py",
        f"{PROJECT}/transformers/clean.py",
    }
    return set(Project(tree_of(folder)).closure("orders").files) - before


def unresolved(folder: Path, code: str, files: dict[str, str] | None = None) -> list[int]:
    """Return the lines, counted from the first of `code`, that the static gate cannot resolve."""
    found = static_findings(folder, FILES | {MONEY: HEAD + code + "\n"} | (files or {}))
    assert {finding.code for finding in found} <= {"unresolved"}, found
    return sorted({finding.line - HEAD.count("\n") for finding in found if finding.line})


# Files named by their paths


@pytest.mark.parametrize(
    "code",
    [
        "open('data/rates.csv')",
        "open('mage_project/data/rates.csv')",
        "open('./data/rates.csv')",
        "Path('/srv/release/mage_project/data/rates.csv').read_text()",
        "pd.read_csv(os.path.join(get_repo_path(), 'data/rates.csv'))",
        "pd.read_csv(path.join(get_repo_path(), 'data', 'rates.csv'))",
        "pd.read_csv(f'{get_repo_path()}/data/rates.csv')",
        "pd.read_csv(get_repo_path() + '/data/rates.csv')",
        "(Path(get_repo_path()) / 'data' / 'rates.csv').read_text()",
        "Path(get_repo_path(), 'data').joinpath('rates.csv').read_text()",
        "open(os.path.join(os.environ['MAGE_REPO_PATH'], 'data', 'rates.csv'))",
        "open(os.getenv('MAGE_REPO_PATH') + '/data/rates.csv')",
        "open(Path(__file__).parent.parent / 'data' / 'rates.csv')",
        "open(Path(__file__).resolve().parents[1] / 'data/rates.csv')",
        "open(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'data', 'rates.csv'))",
        "ROOT = Path(__file__).parent.parent\ndef load():\n    return open(ROOT / 'data' / 'rates.csv')",
        "DATA = os.path.join(get_repo_path(), 'data')\nNAME = 'rates.csv'\nopen(os.path.join(DATA, NAME))",
        "class A:\n    folder = Path(get_repo_path())\n    def load(self): open(self.folder / 'data/rates.csv')",
        "RATES = Path(get_repo_path()) / 'data' / 'rates.csv'",
        "for name in ('rates', 'gone'):\n    open(f'{get_repo_path()}/data/{name}.csv')",
        "[open(f'{get_repo_path()}/data/{name}.csv') for name in ['rates']]",
        "NAMES = 'rates', 'gone'\nfor name in sorted(NAMES):\n    open(f'{get_repo_path()}/data/{name}.csv')",
        "NAMES = {'rates': 1}\nfor name in NAMES:\n    open(f'{get_repo_path()}/data/{name}.csv')",
        "NAMES = {1: 'rates'}\nfor name in NAMES.values():\n    open(f'{get_repo_path()}/data/{name}.csv')",
        "NAMES = {'a': 'rates.csv'}\nopen(Path(get_repo_path()) / 'data' / NAMES[input()])",
        "open(Path(get_repo_path()) / 'data' / ('rates.csv' if input() else 'gone.csv'))",
        "pd.read_sql(f\"from '{get_repo_path()}/data/rates.csv' select 1\", None)",
        "glob.glob(os.path.join(get_repo_path(), 'data', 'r*.csv'))",
        "Path(get_repo_path()).glob('data/r*.csv')",
        "Path(get_repo_path()).rglob('rates.csv')",
        "(importlib.resources.files('mage_project.data') / 'rates.csv').read_text()",
        "open(os.path.join(os.getcwd(), 'data', 'rates.csv'))",
        "open(Path.cwd() / 'mage_project' / 'data' / 'rates.csv')",
        "open('{}/data/{name}.csv'.format(get_repo_path(), name='rates'))",
        "open('%s/%s/rates.csv' % (get_repo_path(), 'data'))",
        "open(os.sep.join([get_repo_path(), 'data', 'rates.csv']))",
        "PARTS = ['data', 'rates.csv']\nopen(os.path.join(get_repo_path(), *PARTS))",
        "open((Path(get_repo_path()) / 'data' / 'rates.json').with_suffix('.csv'))",
        "for number, name in enumerate(['rates.csv']): open(get_repo_path() + '/data/' + name)",
        "FILES = [(1, 'rates.csv')]\nfor key, name in FILES: open(get_repo_path() + '/data/' + name)",
        "FILES = {'a': 'rates.csv'}\nfor key, name in FILES.items(): open(get_repo_path() + '/data/' + name)",
        "folder, name = 'data', 'rates.csv'\nopen(f'{get_repo_path()}/{folder}/{name}')",
        "list(Path('data').glob('r*.csv'))",
        "def load(root): open(os.path.join(root, 'data', 'rates.csv'))",
        "import duckdb\nduckdb.sql(\"select * from read_csv('data/rates.csv') where name = 'x'\")",
        "os.system('sort /srv/release/mage_project/data/rates.csv')",
        "os.system(f'sort {get_repo_path()}/data/rates.csv')",
    ],
)
def test_a_file_that_is_named_by_its_path_is_part_of_the_closure(sources: Path, code: str) -> None:
    assert closure(sources, code) == {RATES}
    assert unresolved(sources, code) == []


def test_a_file_beside_the_module_is_part_of_the_closure(sources: Path) -> None:
    assert closure(sources, "(Path(__file__).parent / 'query.sql').read_text()") == {QUERY}
    assert closure(sources, "Path(__file__).with_name('query.sql').read_text()") == {QUERY}


@pytest.mark.parametrize(
    "code",
    [
        "for name in os.listdir(os.path.join(get_repo_path(), 'data')):\n    print(name)",
        "for path in Path('data').iterdir():\n    print(path)",
        "os.walk(top='data')",
        "def load(root): os.listdir(root + '/data')",
        "import sys\nsys.path.append('/srv/release/mage_project/data')",
        "import sys\nsys.path.insert(0, str(Path(__file__).parent.parent / 'data'))",
    ],
)
def test_a_folder_that_is_used_brings_all_that_is_below_it(sources: Path, code: str) -> None:
    assert closure(sources, code) == {RATES, NOTES, f"{PROJECT}/data/unused.csv"}


def test_a_folder_that_another_module_imports_brings_all_that_is_below_it(sources: Path) -> None:
    assert closure(sources, "DATA = Path(get_repo_path()) / 'data' / 'old'") == {NOTES}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("from mage_project.conf.paths import OLD\nopen(OLD / 'notes.txt')", {NOTES}),
        ("from mage_project.conf.paths import *\nopen(OLD / 'notes.txt')", {NOTES}),
        ("from mage_project.conf import paths\nopen(paths.OLD / 'notes.txt')", {NOTES}),
        ("import mage_project.conf.paths as paths\nopen(paths.OLD / 'notes.txt')", {NOTES}),
        ("from mage_project.conf.paths import Paths\nopen(Paths.old / 'notes.txt')", {NOTES}),
        ("from mage_project.conf.paths import ROOT\nopen(ROOT / 'data' / 'rates.csv')", {RATES}),
        ("from mage_project.conf.paths import names", set()),
    ],
)
def test_a_folder_with_a_name_is_needed_by_those_who_import_the_name(
    sources: Path, code: str, found: set[str]
) -> None:
    paths = f"{PROJECT}/conf/paths.py"
    write(
        sources,
        {
            paths: HEAD + "ROOT = Path(get_repo_path())\nOLD = ROOT / 'data' / 'old'\n"
            "class Paths:\n    old = ROOT / 'data' / 'old'\n    mine = old / 'gone.txt'\n"
            "def names(): return (OLD / 'gone.txt').exists()\n"
        },
    )
    assert closure(sources, code) == {paths, *found}


def test_a_python_file_that_is_run_by_its_path_is_followed(sources: Path) -> None:
    deep = f"{PROJECT}/scripts/deep.py"
    write(sources, {deep: f"import {PROJECT}.scripts.more\n", f"{PROJECT}/scripts/more.py": ""})
    assert closure(sources, "exec(open(get_repo_path() + '/scripts/deep.py').read())") == {
        deep,
        f"{PROJECT}/scripts/more.py",
    }


@pytest.mark.parametrize(
    "code",
    [
        "config = path.join(get_repo_path(), 'io_config.yaml')",
        "open('data/gone.csv')",
        "open('../README.md')",
        "open('s3://bucket/data/rates.csv')",
        "text = 'look into data/rates.csv'",
        "import sys; sys.path.append(get_repo_path())",
    ],
)
def test_what_is_no_file_of_the_project_alone_brings_nothing(sources: Path, code: str) -> None:
    assert closure(sources, code) == set()
    assert unresolved(sources, code) == []


# Paths that are computed


@pytest.mark.parametrize(
    "code",
    [
        "def load(name): open(os.path.join(get_repo_path(), 'data', name))",
        "def load(name): open(f'{get_repo_path()}/data/{name}.csv')",
        "def load(name): open(Path(get_repo_path()) / name)",
        "def load(name): open(Path(__file__).parent / f'{name}.sql')",
        "def load(name): open(get_repo_path() + '/data/' + name)",
        "def load(name): open(get_repo_path() + '/data/{}.csv'.format(name))",
        "def load(name): open(get_repo_path() + '/data/%s.csv' % name)",
        "def load(name):\n path = Path(get_repo_path()) / name\n return open(path)",
        "def load(name): open(f'data/{name}.csv')",
        "def load(name): pd.read_csv('data/' + name)",
        "def load(**kwargs): pd.read_csv(os.path.join(get_repo_path(), kwargs['file']))",
        "def load(name): open(file=f'data/{name}.csv')",
        "def load(name): pd.read_csv(filepath_or_buffer='data/' + name)",
        "def load(name): return Path(f'data/{name}.csv').read_text()",
        "def load(name): return Path('data', name).open()",
        "def load(name): return joblib.load(f'data/{name}.csv')",
        "def load(name): return spark.read.csv(f'data/{name}.csv')",
        "def load(name): return shutil.copy(f'data/{name}.csv', '/tmp')",
        "def load(name): os.system(f'sort {get_repo_path()}/data/{name}.csv')",
        "NAMES = input()\nNAMES = list(NAMES)\nfor name in NAMES: open(f'{get_repo_path()}/data/{name}.csv')",
    ],
)
def test_a_computed_path_that_may_be_a_file_of_the_project_is_unresolved(sources: Path, code: str) -> None:
    assert unresolved(sources, code) == [code.count("\n") + 1]


@pytest.mark.parametrize(
    "code",
    [
        "def load(name):\n folder = Path(get_repo_path()) / name\n return open(folder / 'any.parquet')",
        "def load(**kwargs): open(kwargs['file'])",
        "def load(name): open(f'/tmp/{name}.csv')",
        "def load(name): open(f'{name}/data/rates.csv')",
        "def load(name): open(f's3://bucket/data/{name}.csv')",
        "def load(name): open(f'out/{name}.csv', 'w')",
        "def load(name): open(os.path.join(get_repo_path(), 'out', name), 'w')",
        "def load(name): open(f'{get_repo_path()}/data/{name}.parquet')",
        "def load(name): print(f'data/{name}.csv')",
        "def load(name): pass\ndef other():\n    name = 'gone'\n    open(Path(get_repo_path()) / name)",
    ],
)
def test_a_computed_path_that_cannot_be_a_file_of_the_project_passes(sources: Path, code: str) -> None:
    assert unresolved(sources, code) == []


# Imports by name


@pytest.mark.parametrize(
    "code",
    [
        "importlib.import_module('mage_project.utils.deep')",
        "import_module('.deep', 'mage_project.utils')",
        "import_module('.deep', package=__package__)",
        "import_module('..deep', package='mage_project.utils.inner')",
        "__import__('mage_project.utils.deep')",
        "from importlib import import_module as load\nload('mage_project.utils.deep')",
        "import runpy\nrunpy.run_module('mage_project.utils.deep')",
        "MODULE = 'deep'\nimport_module(f'mage_project.utils.{MODULE}')",
        "for name in ['deep']:\n    import_module('mage_project.utils.' + name)",
        "from utils.deep import x",
        "import utils.deep",
        "from utils import deep",
    ],
)
def test_an_import_by_a_name_that_can_be_told_is_followed(sources: Path, code: str) -> None:
    write(sources, {f"{PROJECT}/utils/deep.py": "x = 1\n"})
    assert closure(sources, code) == {f"{PROJECT}/utils/deep.py"}
    assert unresolved(sources, code) == []


@pytest.mark.parametrize(
    "code",
    [
        "def load(name): import_module(name)",
        "def load(name): importlib.import_module(f'mage_project.utils.{name}')",
        "def load(name): importlib.import_module(f'utils.{name}')",
        "def load(name): import_module('.' + name, __package__)",
        "def load(name): __import__(name)",
    ],
)
def test_an_import_by_a_computed_name_is_unresolved(sources: Path, code: str) -> None:
    assert unresolved(sources, code) == [1]


@pytest.mark.parametrize(
    "code", ["def load(name): import_module(f'pandas.{name}')", "import_module('json')", "from custom import x"]
)
def test_an_import_of_other_peoples_modules_passes(sources: Path, code: str) -> None:
    write(sources, {f"{PROJECT}/custom/a.py": ""})
    assert closure(sources, code) == set()
    assert unresolved(sources, code) == []


def test_a_star_import_brings_the_modules_that_the_package_exports(sources: Path) -> None:
    package = {
        f"{PROJECT}/lib/__init__.py": "__all__ = ['deep', 'value']\nvalue = 1\n",
        f"{PROJECT}/lib/deep.py": "",
    }
    write(sources, package)
    assert closure(sources, "from mage_project.lib import *") == set(package)
    assert closure(sources, "from mage_project.lib import value") == {f"{PROJECT}/lib/__init__.py"}


def test_a_folder_without_an_init_file_can_be_imported(sources: Path) -> None:
    assert unresolved(sources, "import mage_project.data\nfrom mage_project.utils import *") == []


# Declarations


def test_what_is_declared_is_resolved_and_part_of_the_closure(sources: Path) -> None:
    code = "def load(name): open(Path(get_repo_path()) / 'data' / name)"
    write(sources, {PROMOTION: "files: {utils/money.py: [data/*.csv]}\n"})
    assert closure(sources, code) == {PROMOTION, RATES, f"{PROJECT}/data/unused.csv"}
    write_pipeline(sources, "returns", [block("load_returns", "data_loader")])
    assert unresolved(sources, code) == []


@pytest.mark.parametrize("globs", ["['data/**']", "[data/old/notes.txt]", "['**/notes.???']"])
def test_a_declaration_crosses_folders_with_two_stars_only(sources: Path, globs: str) -> None:
    write(sources, {PROMOTION: f"files: {{utils/money.py: {globs}}}\n"})
    assert NOTES in closure(sources, "")


def test_nothing_more_can_be_declared_too(sources: Path) -> None:
    write(sources, {PROMOTION: "files: {utils/money.py: []}\n"})
    write_pipeline(sources, "returns", [block("load_returns", "data_loader")])
    assert unresolved(sources, "def load(name): import_module(name)") == []


def test_a_declaration_holds_for_its_own_pipeline_and_its_own_file(sources: Path) -> None:
    stock = f"{PROJECT}/data_loaders/load_stock.py"
    computed = "from importlib import import_module\ndef load(name): import_module(name)\n"
    files = {
        PROMOTION: "files: {utils/money.py: []}\n",
        MONEY: computed,
        stock: LOADER.format(name="x") + computed,
    }
    findings = {found.path: found for found in static_findings(sources, files)}
    assert {found.code for found in findings.values()} == {"unresolved"}
    assert "pipelines/stock/promotion.yaml" in findings[stock].fix
    assert "pipelines/returns/promotion.yaml" in findings[MONEY].fix


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("files:\n  utils/money.py: [data/gone.csv]\n", 2),
        ("files:\n  utils/money.py: ['../README.md']\n", 2),
        ("files:\n  utils/nobody.py: []\n", 2),
    ],
)
def test_a_declaration_that_says_nothing_is_refused(sources: Path, text: str, line: int) -> None:
    assert places([only(static_findings(sources, {PROMOTION: text}))]) == [("declared-in-vain", PROMOTION, line)]
