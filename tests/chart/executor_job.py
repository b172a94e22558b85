"""Print the Job that Mage's code and ours make of a pod: `executor_job.py POD.json`, in the pod's environment.

What K8sBlockExecutor does before and after belongs to runs; the configuration and the merge are Mage's own.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

# jsonschema, which the client imports for checks that nobody asks for, does without it: two thirds of the start.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

from kubernetes import client  # noqa: E402
from mage_ai.services.k8s.config import K8sExecutorConfig  # noqa: E402

from mage_pod.watch import Watch  # noqa: E402

COMMAND = (
    "/app/run_app.sh mage run /srv/release/mage_project flights --block-uuid load --executor-type local_python"
)


def main(pod_file: str) -> None:
    """Let Mage read the pod from the file instead of the API, and print the Job as the API would get it."""
    api = client.ApiClient()
    answer = SimpleNamespace(data=Path(pod_file).read_text())
    pod = api.deserialize(answer, "V1Pod")
    config = K8sExecutorConfig.load(config={})
    with mock.patch.object(client.CoreV1Api, "read_namespaced_pod", return_value=pod):
        manager = Watch(job_name="mage-data-prep-block-42", namespace=config.namespace)
    print(json.dumps(api.sanitize_for_serialization(manager.create_job_object(COMMAND, k8s_config=config))))


if __name__ == "__main__":
    main(sys.argv[1])
