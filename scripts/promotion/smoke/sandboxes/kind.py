"""Smoke runs on a cluster: the tree's image and chart, as the target has them, in a namespace of their own."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import yaml

from basics import progress
from basics.errors import GateCouldNotRun, GateRefused, PromotionError
from basics.process import CommandError, require
from basics.yaml_file import load_mapping
from mage_pod.mage_api import ApiError, MageApi
from promotion.configuration.environment import FOLDER as ENVIRONMENTS
from promotion.configuration.environment import Environment
from promotion.gates.chart import CHART
from promotion.image import docker
from promotion.image.ensure import ensure_image
from promotion.image.wanted import Wanted
from promotion.pipelines.io_config import PATH as IO_CONFIG
from promotion.repository.tree import Tree
from promotion.smoke.cluster import Namespace, smoke_cluster, throw_away_namespace
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

_PROGRAMS = ("docker", "kind", "kubectl", "helm")
_INSTALL_MINUTES = 10
_SILENT_SECONDS = 120  # that Mage may take to answer on a machine that is busy


@dataclass(frozen=True)
class KindSandbox:
    """A namespace with a release in it, and the passwords that its chart made."""

    namespace: Namespace
    passwords: dict[str, str] = field(repr=False)

    def run(self, runs: Sequence[Run]) -> Iterator[RunResult]:
        """Do `runs` in turn through Mage's API."""
        for run in runs:
            yield run_through_api(self.connected, run, self.namespace.troubles)

    @contextmanager
    def connected(self) -> Iterator[MageApi]:
        """Mage's API, with a login; raises `ApiError` where there is none for a while."""
        with self.namespace.forwarded(f"service/{WEB}", 80) as port:
            api = MageApi(f"http://127.0.0.1:{port}")
            self._log_in(api)
            yield api

    def _log_in(self, api: MageApi) -> None:
        deadline = time.monotonic() + _SILENT_SECONDS
        while True:
            try:
                return api.log_in(OWNER, self.passwords["owner-password"])
            except ApiError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)

    def tables(self, ignore: Collection[str]) -> dict[str, TableState]:
        """Return the state of the warehouse's tables."""
        with self.server(WAREHOUSE) as server:
            return snapshot(server.url(WAREHOUSE), ignore=ignore)

    @contextmanager
    def server(self, database: str) -> Iterator[Server]:
        """The chart's PostgreSQL, as the role that owns `database` reaches it from this machine."""
        with self.namespace.forwarded(f"service/{POSTGRES}", 5432) as port:
            yield Server("127.0.0.1", port, database, self.passwords[f"{database}-password"])


@contextmanager
def kind_sandbox(tree: Tree, environment: Environment) -> Iterator[KindSandbox]:
    """Build the image of `tree`, install its chart as `environment`, load the source data; remove all in the end.

    Whatever keeps this from working, in the `with` block too, is raised as `GateCouldNotRun`: it is no verdict.
    """
    with _no_verdict(), ExitStack() as stack:
        require(*_PROGRAMS)
        wanted = Wanted()
        ensure_image(tree, wanted)
        image = wanted.reference(tree)
        cluster, kubeconfig = stack.enter_context(smoke_cluster())
        with progress.step(f"load the images into the kind cluster {cluster}"):
            _load(tree, image, cluster)
        name = environment.name
        namespace = stack.enter_context(throw_away_namespace(f"smoke-{name}", kubeconfig))
        with progress.step(f"install the chart as {name} in the namespace {namespace.name}"):
            _install(tree, _values(tree, environment, image), namespace)
        sandbox = KindSandbox(namespace, namespace.secret(CREDENTIALS))
        with progress.step("load the source data"), sandbox.server(SOURCE) as server:
            load_source(server, SOURCE)
        yield sandbox


@contextmanager
def _no_verdict() -> Iterator[None]:
    try:
        yield
    except (GateRefused, GateCouldNotRun):
        raise
    except BindingError as error:
        raise GateRefused("cannot-bind", str(error), fix="see mage_project/README.md") from error
    except PromotionError as error:
        raise GateCouldNotRun(error.code, error.message, fix=error.fix or "try again") from error
    except (ApiError, ServerError, psycopg2.Error) as error:
        fix = "try again; if it persists, look at the cluster: is there memory left?"
        raise GateCouldNotRun(
            "lost-cluster", f"the release on the cluster: {str(error).strip()}", fix=fix
        ) from error


def _load(tree: Tree, image: str, cluster: str) -> None:
    """Load the image, and PostgreSQL's where this machine has it: else the cluster pulls that by itself."""
    docker.load(image, cluster)
    path = f"{CHART}/values.yaml"
    postgres = load_mapping(path, tree.text(path))["postgres"]["image"]
    reference = f"{postgres['repository']}:{postgres['tag']}"
    if docker.labels_of(reference) is not None:
        docker.load(reference, cluster)


def _install(tree: Tree, wanted: Mapping[str, object], namespace: Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="smoke-") as folder:
        tree.under(CHART).write_to(Path(folder))
        values = Path(folder, "values.yaml")
        values.write_text(yaml.safe_dump(dict(wanted)))
        options = [f"--values={values}", "--wait", f"--timeout={_INSTALL_MINUTES}m"]
        try:
            namespace.helm("install", RELEASE, str(Path(folder, CHART)), *options)
        except CommandError as error:
            told = "\n".join([error.stderr, *namespace.troubles()])
            fix = "mend what the pods say; where they wait for the machine, give Docker more of it"
            raise GateCouldNotRun("not-installed", f"the chart did not come up:\n{told}", fix=fix) from error


def _values(tree: Tree, environment: Environment, image: str) -> dict[str, object]:
    path = f"{ENVIRONMENTS}/{environment.name}/values.yaml"
    values = load_mapping(path, tree.text(path))
    return throw_away_values(values, environment, tree.text(IO_CONFIG), image)
