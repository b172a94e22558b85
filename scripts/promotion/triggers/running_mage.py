"""Read the triggers of a Mage that runs, through its API; nothing is written there."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Mapping
from typing import Any

from basics.errors import PromotionError
from mage_pod.mage_api import ApiError, MageApi

EMAIL, PASSWORD = "MAGE_EMAIL", "MAGE_PASSWORD"


def triggers_of(url: str, environ: Mapping[str, str] = os.environ) -> list[dict[str, Any]]:
    """Return all triggers of the Mage at `url`; raises `PromotionError` (mage-not-readable).

    The login is that of MAGE_EMAIL and MAGE_PASSWORD. Without them, a Mage that asks for one is told what a person
    types at the terminal.
    """
    api = MageApi(url)
    try:
        api.request("GET", "/api/status")  # where nobody answers, nobody has to type a password
        if EMAIL in environ:
            api.log_in(environ[EMAIL], environ.get(PASSWORD) or _typed_password(url))
            return _listed(api)
        try:
            return _listed(api)
        except ApiError:
            if not sys.stdin.isatty():
                raise
        api.log_in(input(f"E-mail address at {url}: "), _typed_password(url))
        return _listed(api)
    except ApiError as error:
        fix = f"give the address of Mage's UI, and the login of a user in {EMAIL} and {PASSWORD}"
        raise PromotionError("mage-not-readable", f"the triggers were not read: {error}", fix=fix) from None


def _typed_password(url: str) -> str:
    return getpass.getpass(f"Password at {url}: ") if sys.stdin.isatty() else ""


def _listed(api: MageApi) -> list[dict[str, Any]]:
    # MAGE.md: api-runs
    return list(api.call("GET", "/api/pipeline_schedules")["pipeline_schedules"])
