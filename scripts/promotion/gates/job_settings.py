"""The settings of Mage's k8s executor: with which of them Mage fails, or Kubernetes refuses the Job."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from basics.wording import near
from promotion.gates.quantities import amount_of, nearest_quantity
from promotion.pipelines.jinja import SUPPLIED

Fault = tuple[str, str, str]  # the key, what is wrong with it, and how to mend it

WRAPPED = "k8s_executor_config"
# MAGE.md: executor-config
_KEYS = {
    "config_file",
    "container",
    "container_config",
    "job",
    "job_config",
    "job_name_prefix",
    WRAPPED,
    "meta",
    "metadata",
    "namespace",
    "pod",
    "pod_config",
    "resource_limits",
    "resource_requests",
    "service_account_name",
}
# Mage makes them of these keys, of lists one for each entry.
_OBJECTS: dict[tuple[str, ...], str] = {
    ("container_config",): "V1Container",
    ("metadata",): "V1ObjectMeta",
    ("container", "resources"): "V1ResourceRequirements",
    ("container", "env"): "V1EnvVar",
    ("container", "volume_mounts"): "V1VolumeMount",
    ("pod", "tolerations"): "V1Toleration",
    ("pod", "volumes"): "V1Volume",
}
_QUANTITIES: tuple[tuple[str, ...], ...] = (
    ("resource_limits",),
    ("resource_requests",),
    ("container", "resources", "limits"),
    ("container", "resources", "requests"),
    ("container_config", "resources", "limits"),
    ("container_config", "resources", "requests"),
)
_IN_JOB_NAME = re.compile(r"[a-z0-9.-]+")
_TRIGGER_NAME = "{trigger_name}"  # Mage puts the trigger's name there
_LONGEST_PREFIX = 53  # the name of a Job has 63 characters at most, and Mage adds ten or more


def faults_of(key: str, config: Any) -> Iterator[Fault]:
    """Yield what is wrong with the settings `config`, which are the value of `key`."""
    if not config:
        return
    if not isinstance(config, dict):
        yield key, "is not a map", "write keys of Mage's k8s executor, such as resource_limits"
        return
    if is_wrapped(config):
        yield from faults_of(f"{key}.{WRAPPED}", config[WRAPPED])
        return
    for name in config:
        if name not in _KEYS:
            yield f"{key}.{name}", "Mage does not know this key, and fails", near(str(name), _KEYS)
    for names in _QUANTITIES:
        yield from _quantities(".".join((key, *names)), below(config, *names))
    for names, kind in _OBJECTS.items():
        yield from _objects(".".join((key, *names)), below(config, *names), kind)
    yield from _prefix(f"{key}.job_name_prefix", config.get("job_name_prefix"))


def is_wrapped(config: Any) -> bool:
    """Tell whether `config` holds the settings under a key of their own: then Mage reads nothing else."""
    return isinstance(below(config, WRAPPED), dict)


def below(config: Any, *names: str) -> Any:
    """Return the value that `names` lead to; None if there is none."""
    for name in names:
        config = config.get(name) if isinstance(config, dict) else None
    return config


def _quantities(key: str, resources: Any) -> Iterator[Fault]:
    if not resources:
        return
    if not isinstance(resources, dict):
        yield key, "is not a map", "write e.g. `{cpu: 500m, memory: 2Gi}`"
        return
    for name, quantity in resources.items():
        if amount_of(quantity) is None and SUPPLIED not in str(quantity):
            example = nearest_quantity(str(name), quantity)
            yield f"{key}.{name}", f"{quantity} is no quantity of Kubernetes", f"write e.g. `{name}: {example}`"


def _objects(key: str, content: Any, kind: str) -> Iterator[Fault]:
    """Yield the fields that Kubernetes' client does not know: Mage hands it all of `content` as arguments."""
    for number, each in enumerate(content if isinstance(content, list) else [content]):
        if isinstance(each, dict) and each:
            from kubernetes import client  # imported here: it takes a second, and hardly any project needs it

            known = getattr(client, kind).openapi_types
            where = f"{key}[{number}]" if isinstance(content, list) else key
            for name in each:
                if name not in known:
                    problem = f"Kubernetes' client knows no such field of {kind}, and Mage fails"
                    yield f"{where}.{name}", problem, near(str(name), known)


def _prefix(key: str, prefix: Any) -> Iterator[Fault]:
    if not prefix:
        return
    plain = prefix.replace(_TRIGGER_NAME, "a") if isinstance(prefix, str) else ""
    if not _IN_JOB_NAME.fullmatch(plain) or len(plain) > _LONGEST_PREFIX:
        problem = f"Kubernetes refuses a Job with {prefix!r} in its name"
        yield key, problem, f"use at most {_LONGEST_PREFIX} of a-z, digits and `-`"
