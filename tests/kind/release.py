"""A release of the chart in a namespace, as its users have it: helm, the web's API, the database."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from basics.errors import PromotionError
from basics.kubectl import PortForward
from chart.engine import merged
from kind.cluster import Namespace, eventually
from mage_pod import mage_runs
from mage_pod.mage_api import ApiError, MageApi
from mage_pod.waiting import NotInTime

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "mage"
OWNER = "owner@example.com"
PROJECT = "tried_project"

# Many releases of a test run share one node: what they set aside is little, what they may take is not.
_REQUESTS = {"requests": {"cpu": "20m", "memory": "64Mi"}}
_COMPONENTS = ("web", "scheduler", "executor", "postgres", "jobs")
SMALL: dict[str, Any] = {component: {"resources": _REQUESTS} for component in _COMPONENTS}


@dataclass(eq=False)
class Release:
    """The chart installed as `name`; `values` are what it was installed with last."""

    namespace: Namespace
    image: str
    name: str = "mage"
    values: dict[str, Any] = field(default_factory=dict)
    chart: Path = CHART
    _forwards: dict[tuple[str, int | str], PortForward] = field(default_factory=dict, repr=False)
    _sessions: dict[tuple[str, int], MageApi] = field(default_factory=dict, repr=False)

    # Helm

    def install(self, *values: Mapping[str, Any], wait: bool = True) -> Release:
        """Install or upgrade with `values` laid over those of the last time; wait until everything is ready."""
        self.values = merged([self.values, *values])
        waiting = ["--wait", "--timeout=10m"] if wait else []
        command = ["upgrade", "--install", self.name, str(self.chart), *self._value_options(), *waiting]
        self.namespace.helm(*command)
        return self

    upgrade = install

    def uninstall(self) -> None:
        """Uninstall, and wait until the pods are gone."""
        self.namespace.helm("uninstall", self.name, "--wait", "--timeout=5m")

    def _value_options(self) -> list[str]:
        """Return helm's options: a file, since values may hold what a command line may not show."""
        file = self._folder() / "values.yaml"
        repository, _, tag = self.image.rpartition(":")
        image = {"image": {"repository": repository, "tag": tag}}
        file.write_text(yaml.safe_dump(merged([SMALL, image, self.values])))
        return [f"--values={file}"]

    def _folder(self) -> Path:
        folder = self.namespace.cluster.kubeconfig.parent / self.namespace.name / self.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    # Kubernetes

    def pods(self, component: str) -> list[dict[str, Any]]:
        """Return the pods of a component: web, scheduler, executor, postgres, schedules, credentials, test."""
        labels = f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component={component}"
        return self.namespace.get("pods", f"--selector={labels}")

    def pod(self, component: str) -> str:
        """Return the name of the component's one pod that is not being deleted."""
        (name,) = (
            pod["metadata"]["name"] for pod in self.pods(component) if "deletionTimestamp" not in pod["metadata"]
        )
        return str(name)

    def execute(self, component: str, *command: str, seconds: float = 120) -> str:
        """Run a command in the component's pod and return what it printed."""
        container = "postgres" if component == "postgres" else "mage"
        options = ["exec", self.pod(component), f"--container={container}", "--"]
        return self.namespace.kubectl(*options, *command, seconds=seconds)

    def logs(self, component: str) -> str:
        """Return what the containers of the component's pods printed."""
        labels = f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component={component}"
        return self.namespace.kubectl("logs", f"--selector={labels}", "--all-containers", "--tail=-1")

    def credential(self, key: str) -> str:
        """Return a password or key that the chart made."""
        return self.secret(f"{self.full_name}-credentials", key)

    def secret(self, name: str, key: str) -> str:
        """Return one text of a Secret."""
        return self.namespace.secret(name)[key]

    @property
    def full_name(self) -> str:
        """The beginning of the names of the chart's objects."""
        return self.name if "mage" in self.name else f"{self.name}-mage"

    # Mage

    def api(self) -> MageApi:
        """Return Mage's API, logged in as the owner; ask again after the web was restarted.

        One login serves all calls through one port-forward: it takes a second of the web's processor time.
        """

        def log_in() -> MageApi:
            web = self.url(), self._forwards[self._web].begun
            if web not in self._sessions:
                api = MageApi(self.url())
                api.log_in(OWNER, self.credential("owner-password"))
                self._sessions[web] = api
            self._sessions[web].request("GET", "/api/status")  # kubectl notices a lost pod when it is used
            return self._sessions[web]

        return eventually(log_in, "a login at the web")

    def url(self) -> str:
        """Return the web's address on this machine, with its base path."""
        path = self.values.get("web", {}).get("basePath", "")
        return f"http://127.0.0.1:{self.forward(*self._web)}/{path}".rstrip("/")

    @property
    def _web(self) -> tuple[str, str]:
        return f"service/{self.full_name}-web", "http"

    def forward(self, target: str, port: int | str) -> int:
        """Return a port of this machine that leads to the target's: ask for it whenever you connect."""
        key = target, port
        if key not in self._forwards:
            self._forwards[key] = PortForward(self.namespace, target, port)
        return self._forwards[key].connect()

    def close(self) -> None:
        """End the port-forwards."""
        for forward in self._forwards.values():
            forward.close()

    def start(self, pipeline: str, variables: Mapping[str, Any] | None = None, timeout: int = 600) -> int:
        """Start a run of the pipeline through the API and return its number; Mage ends it after `timeout`."""
        api = self.api()
        return mage_runs.start(api, mage_runs.make_trigger(api, pipeline, f"try {pipeline}", timeout), variables)

    def run(self, pipeline: str, variables: Mapping[str, Any] | None = None, seconds: int = 300) -> mage_runs.Run:
        """Run the pipeline through the API and return its run when it has ended."""
        return self.ended(self.start(pipeline, variables, seconds), seconds)

    def ended(self, number: int, seconds: float = 300) -> mage_runs.Run:
        """Return the run `number` when it has ended, whatever happens to the web meanwhile."""

        def look() -> mage_runs.Run | None:
            try:
                run = mage_runs.ended(self.api(), number, seconds=30)
            except (ApiError, NotInTime, PromotionError):
                return None
            return run if run["status"] in mage_runs.ENDED else None

        return eventually(look, f"the end of run {number}", seconds)

    # PostgreSQL

    def sql(self, question: str, database: str = "mage") -> list[list[str]]:
        """Ask the chart's PostgreSQL as its superuser; return rows of texts."""
        words = ["psql", "--username=postgres", f"--dbname={database}", "--no-align", "--tuples-only"]
        words += ["--field-separator=\t", "--set=ON_ERROR_STOP=1", f"--command={question}"]
        return [line.split("\t") for line in self.execute("postgres", *words).splitlines()]


def mounted_project(
    namespace: Namespace, folder: Path, name: str = PROJECT, config_map: str | None = None
) -> dict[str, Any]:
    """Put the project in `folder` into the namespace; return the values that mount it into all pods of Mage.

    Its blocks find a database `warehouse` in the chart's PostgreSQL. `config_map` is what holds it.
    """
    config_map = config_map or name.replace("_", "-")
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    keys = {path: re.sub(r"[^\w.-]", ".", path) for path in files}
    data = {keys[path]: file.read_text() for path, file in files.items()}
    namespace.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": config_map}, "data": data})
    items = [{"key": keys[path], "path": path} for path in files]
    volume = {"configMap": {"name": config_map, "items": items}}
    return {
        "project": {"folder": name},
        "postgres": {"databases": ["warehouse"]},
        "pod": {
            "volumes": {"tried-project": volume},
            "volumeMounts": {"tried-project": {"mountPath": f"/srv/release/{name}", "readOnly": True}},
        },
    }


def install_all(*releases: tuple[Release, Mapping[str, Any]]) -> None:
    """Install several at once, each with its values: most of an installation is waiting."""
    with ThreadPoolExecutor(len(releases)) as pool:
        for done in [pool.submit(release.install, values) for release, values in releases]:
            done.result()
