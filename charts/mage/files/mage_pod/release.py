"""Which release of the environment runs here.

With git-sync each checkout has its own release.yaml. An image has none, as environments share it: there the chart
writes the number and the image of the release into the file MAGE_POD_RELEASE, which changes while the pod runs. So
a release that only has another number restarts nothing.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

_numbers_of_this_image: list[int] = []


def number(checkout: Path | None) -> int | None:
    """Return the number of the release; None if it is not known.

    `checkout` is git-sync's newest one; None where the project is in the image.
    """
    return _of_checkout(checkout) if checkout else _of_image()


@cache  # a checkout is a commit
def _of_checkout(checkout: Path) -> int | None:
    import yaml  # takes memory, which a pod whose project is in the image does not need

    try:
        found = yaml.load((checkout / "release.yaml").read_bytes(), Loader=yaml.CSafeLoader)["release"]["number"]
    except (OSError, yaml.YAMLError, TypeError, KeyError):  # a checkout of a branch without releases
        return None
    return int(found)


def _of_image() -> int | None:
    """Return the last number that came with this pod's own image.

    During an upgrade the file already names the next release, while this pod still starts runs of the old image.
    """
    told = json.loads(Path(os.environ["MAGE_POD_RELEASE"]).read_text()) if "MAGE_POD_RELEASE" in os.environ else {}
    if told.get("number") is not None and told["image"] == os.environ.get("MAGE_POD_IMAGE"):
        _numbers_of_this_image[:] = [told["number"]]
    return next(iter(_numbers_of_this_image), None)
