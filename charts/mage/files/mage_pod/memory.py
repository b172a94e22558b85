"""Tell that a container has reached its limit of memory: Kubernetes may say only that a process was killed."""

from __future__ import annotations

import re
from pathlib import Path

EXIT_CODE = 112  # of a container whose work was killed for it
_COUNTERS = (Path("/sys/fs/cgroup/memory.events"), Path("/sys/fs/cgroup/memory/memory.oom_control"))  # v2, v1


def has_run_out() -> bool:
    """Whether the kernel has killed a process of this container for want of memory."""
    texts = (file.read_text() for file in _COUNTERS if file.exists())
    return any(re.search(r"^oom_kill [1-9]", text, re.MULTILINE) for text in texts)
