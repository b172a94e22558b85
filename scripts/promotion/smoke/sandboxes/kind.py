"""Smoke runs on a cluster: the tree's image and chart as in the target, in a namespace of their own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import psycopg2
import yaml

from basics import progress
from basics.errors import GateCouldNotRun, GateRefused, PromotionError
from basics.kubectl import Namespace, PortForward
from basics.process import CommandError, require
from basics.yaml_file import load_mapping
from mage_pod.mage_api import ApiError, MageApi
from mage_pod.waiting import NotInTime, until
from promotion.configuration.environment import Environment
from promotion.image import docker
from promotion.image.ensure import ensure_same
from promotion.image.wanted import Wanted
from promotion.layout import CHART, ENVIRONMENTS
from promotion.pipelines.project import Project
from promotion.repository.tree import Tree
from promotion.smoke.cluster import smoke_cluster, throw_away_namespace, troubles_in
from promotion.smoke.sandboxes.api_runs import run_through_api
from promotion.smoke.sandboxes.throw_away import (
    CREDENTIALS,
    OWNER,
    POSTGRES,
    RELEASE,
    SOURCE,
    WAREHOUSE,
    WEB,
    throw_away_values,
)
from runtime.binding import BindingError
from runtime.postgres import Server, ServerError
from runtime.run import Run, RunResult
from runtime.source_data import load_source
from runtime.tables import TableState, snapshot

T = TypeVar("T")

_PROGRAMS = ("docker", "kind", "kubectl", "helm")
_INSTALL_MINUTES = 10
_SILENT_SECONDS = 120  # that Mage may take to answer on a machine that is busy
# The errors of a connection that breaks, or that is not possible for a moment.
_BROKEN = (ApiError, PromotionError, psycopg2.OperationalError)


@dataclass(frozen=True)
class KindSandbox:
    """A namespace with a release in it, and the passwords that its chart made."""

    namespace: Namespace
    passwords: dict[str, str] = field(repr=False)

    def run(self, runs: Sequence[Run]) -> Iterator[RunResult]:
        """Do `runs` in turn through Mage's API."""
        for run in runs:
            yield run_through_api(self.connected, run, partial(troubles_in, self.namespace))

    @contextmanager
    def connected(self) -> Iterator[MageApi]:
        """Mage's API, with a login; raises `NotInTime` when no login succeeds for a while."""
        with PortForward(self.namespace, f"service/{WEB}", 80) as forward:

            def log_in() -> MageApi:
                api = MageApi(f"http://127.0.0.1:{forward.connect()}")
                api.log_in(OWNER, self.passwords["owner-password"])
                return api

            yield until(log_in, "a login at Mage", _SILENT_SECONDS, retry=_BROKEN, pause=1)

    def tables(self, ignore: Collection[str]) -> dict[str, TableState]:
        """Return the state of the warehouse's tables."""
        return self.with_server(WAREHOUSE, lambda server: snapshot(server.url(WAREHOUSE), ignore=ignore))

    def with_server(self, database: str, work: Callable[[Server], T]) -> T:
        """Do `work` with the chart's PostgreSQL, reached from this machine as the role that owns `database`.

        The work is done again when its connection breaks; raises `NotInTime` when that goes on for a while.
        """
        with PortForward(self.namespace, f"service/{POSTGRES}", 5432) as forward:

            def attempt() -> T:
                password = self.passwords[f"{database}-password"]
                return work(Server("127.0.0.1", forward.connect(), database, password))

            what = f"the database {database}"
            return until(attempt, what, _SILENT_SECONDS, enough=lambda _: True, retry=_BROKEN, pause=1)


@contextmanager
def kind_sandbox(tree: Tree, environment: Environment) -> Iterator[KindSandbox]:
    """Build the image of `tree`, install its chart as `environment`, load the source data; at the end remove all.

    Every failure of these steps, in the `with` block too, is raised as `GateCouldNotRun`: it is no verdict.
    """
    with _no_verdict(), ExitStack() as stack:
        require(*_PROGRAMS)
        wanted = Wanted.of(environment.registry)
        ensure_same(tree, wanted)
        image = wanted.reference(tree)
        cluster, kubeconfig = stack.enter_context(smoke_cluster())
        with progress.step(f"load the images into the kind cluster {cluster}"):
            load_images(tree, image, cluster)
        name = environment.name
        namespace = stack.enter_context(throw_away_namespace(f"smoke-{name}", kubeconfig))
        with progress.step(f"install the chart as {name} in the namespace {namespace.name}"):
            _install(tree, values_of(tree, environment, image), namespace)
        sandbox = KindSandbox(namespace, namespace.secret(CREDENTIALS))
        with progress.step("load the source data"):
            sandbox.with_server(SOURCE, partial(load_source, database=SOURCE))
        yield sandbox


@contextmanager
def _no_verdict() -> Iterator[None]:
    try:
        yield
    except (GateRefused, GateCouldNotRun):
        raise
    except BindingError as error:
        raise GateRefused("cannot-bind", str(error), fix="see docs/how-to/connections-and-secrets.md") from error
    except PromotionError as error:
        raise GateCouldNotRun(error.code, error.message, fix=error.fix or "try again") from error
    except (ApiError, NotInTime, ServerError, psycopg2.Error) as error:
        fix = "try again; if it persists, check whether the cluster has enough memory"
        raise GateCouldNotRun(
            "lost-cluster", f"the release on the cluster: {str(error).strip()}", fix=fix
        ) from error


def load_images(tree: Tree, image: str, cluster: str) -> None:
    """Load the image, and PostgreSQL's if this machine has it; otherwise the cluster pulls that one."""
    docker.load(image, cluster)
    path = f"{CHART}/values.yaml"
    postgres = load_mapping(path, tree.text(path))["postgres"]["image"]
    reference = f"{postgres['repository']}:{postgres['tag']}"
    if docker.labels_of(reference) is not None:
        docker.load(reference, cluster)


@contextmanager
def chart_with(tree: Tree, values: Mapping[str, object]) -> Iterator[list[str]]:
    """Write the chart of `tree` and `values`; yield what helm takes."""
    with tempfile.TemporaryDirectory(prefix="chart-") as folder:
        tree.under(CHART).write_to(Path(folder))
        file = Path(folder, "values.yaml")
        file.write_text(yaml.safe_dump(dict(values)))
        yield [str(Path(folder, CHART)), f"--values={file}"]


def _install(tree: Tree, values: Mapping[str, object], namespace: Namespace) -> None:
    with chart_with(tree, values) as files:
        try:
            namespace.helm("install", RELEASE, *files, "--wait", f"--timeout={_INSTALL_MINUTES}m")
        except CommandError as error:
            told = "\n".join([error.stderr, *troubles_in(namespace)])
            fix = "correct what the pods report; if they wait for memory or processors, give Docker more"
            raise GateCouldNotRun("not-installed", f"the chart did not come up:\n{told}", fix=fix) from error


def values_of(tree: Tree, environment: Environment, image: str) -> dict[str, object]:
    """Return the values of a throw-away installation of `image` as `environment`, whose files are in `tree`."""
    path = f"{ENVIRONMENTS}/{environment.name}/values.yaml"
    values = load_mapping(path, tree.text(path))
    return throw_away_values(values, environment, Project(tree), image)
