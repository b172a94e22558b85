"""The Pod Security Standard `restricted` (which contains `baseline`), as Kubernetes 1.34 describes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
SELINUX_TYPES = frozenset({None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
SECCOMP = frozenset({"RuntimeDefault", "Localhost"})
APPARMOR = frozenset({None, "RuntimeDefault", "Localhost"})
APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"

Spec = Mapping[str, Any]


def violations(metadata: Spec, spec: Spec) -> list[str]:
    """Return what the standard has against a pod, each as `where: what`; nothing when it is restricted."""
    return [
        *_pod(metadata, spec),
        *(found for place, item in _containers(spec) for found in _container(place, item, spec)),
    ]


def writable_roots(spec: Spec) -> list[str]:
    """Return the containers that may write to their image's file system, which the standard allows."""
    return [place for place, item in _containers(spec) if not _context(item).get("readOnlyRootFilesystem")]


def _containers(spec: Spec) -> Iterator[tuple[str, Spec]]:
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for item in spec.get(kind) or []:
            yield f"{kind}.{item['name']}", item


def _context(item: Spec) -> Spec:
    context: Spec = item.get("securityContext") or {}
    return context


def _pod(metadata: Spec, spec: Spec) -> Iterator[str]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield f"pod: {key}"
    for volume in spec.get("volumes") or []:
        if not VOLUMES & volume.keys():
            yield f"pod: volume {volume['name']} is none of the types that are allowed"
    for sysctl in _context(spec).get("sysctls") or []:
        if sysctl["name"] not in SYSCTLS:
            yield f"pod: sysctl {sysctl['name']}"
    for key, profile in (metadata.get("annotations") or {}).items():
        if key.startswith(APPARMOR_ANNOTATION) and not profile.startswith(("runtime/default", "localhost/")):
            yield f"pod: AppArmor profile {profile}"
    yield from _shared("pod", _context(spec))


def _shared(place: str, context: Spec) -> Iterator[str]:
    """Yield what neither a pod nor a container may say."""
    if (context.get("windowsOptions") or {}).get("hostProcess"):
        yield f"{place}: hostProcess"
    selinux = context.get("seLinuxOptions") or {}
    if selinux.get("type") not in SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield f"{place}: seLinuxOptions"
    if (context.get("appArmorProfile") or {}).get("type") not in APPARMOR:
        yield f"{place}: appArmorProfile"
    if context.get("runAsUser") == 0:
        yield f"{place}: runAsUser is 0"
    if "seccompProfile" in context and context["seccompProfile"].get("type") not in SECCOMP:
        yield f"{place}: seccompProfile"


def _container(place: str, item: Spec, spec: Spec) -> Iterator[str]:
    context = _context(item)
    capabilities = context.get("capabilities") or {}
    yield from _shared(place, context)
    if context.get("privileged"):
        yield f"{place}: privileged"
    if context.get("procMount", "Default") != "Default":
        yield f"{place}: procMount"
    if context.get("allowPrivilegeEscalation") is not False:
        yield f"{place}: allowPrivilegeEscalation is not false"
    if "ALL" not in (capabilities.get("drop") or []):
        yield f"{place}: capabilities do not drop ALL"
    if set(capabilities.get("add") or []) - {"NET_BIND_SERVICE"}:
        yield f"{place}: capabilities add more than NET_BIND_SERVICE"
    if context.get("runAsNonRoot", _context(spec).get("runAsNonRoot")) is not True:
        yield f"{place}: runAsNonRoot is not true"
    if not (context.get("seccompProfile") or _context(spec).get("seccompProfile")):
        yield f"{place}: no seccompProfile"
    if any(port.get("hostPort") for port in item.get("ports") or []):
        yield f"{place}: hostPort"
    if any(handler.get("host") for handler in _handlers(item)):
        yield f"{place}: a probe or hook names a host"


def _handlers(item: Spec) -> Iterator[Spec]:
    actions = [item.get(f"{kind}Probe") or {} for kind in ("liveness", "readiness", "startup")]
    actions += (item.get("lifecycle") or {}).values()
    for action in actions:
        yield from (action[kind] for kind in ("httpGet", "tcpSocket") if kind in action)
