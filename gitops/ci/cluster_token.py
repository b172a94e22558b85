#!/usr/bin/env python3
"""Give kubectl and helm the token of a job of CI: a credential plugin, which kubeconfig.yaml names.

GitLab has the token in CLUSTER_TOKEN, for as long as the job may take. GitHub is asked for one each time: it lasts
five minutes, and an installation may take longer. The token is in no file and in no command.
https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

from __future__ import annotations

import base64
import json
import os
import sys
from datetime import UTC, datetime
from urllib.request import Request, urlopen

AUDIENCE = "mage"  # one of `audiences` in authentication.yaml
_SPARE = 30  # seconds by which clocks may differ
_ASK = "ACTIONS_ID_TOKEN_REQUEST_"


def token() -> str:
    """Return the token that the host of the repository gives to this job."""
    if given := os.environ.get("CLUSTER_TOKEN"):
        return given
    if not (address := os.environ.get(f"{_ASK}URL")):
        sys.exit("this is no job that may have a token: docs/how-to/ci.md says what it needs")
    allowed = {"Authorization": f"Bearer {os.environ[f'{_ASK}TOKEN']}"}
    request = Request(f"{address}&audience={AUDIENCE}", headers=allowed)  # noqa: S310 GitHub says the address
    with urlopen(request, timeout=30) as answer:  # noqa: S310
        return str(json.load(answer)["value"])


def end_of(text: str) -> str:
    """Return when to ask for another token than `text`."""
    _, claims, _ = text.split(".")
    seconds = json.loads(base64.urlsafe_b64decode(f"{claims}=="))["exp"]
    return datetime.fromtimestamp(seconds - _SPARE, UTC).isoformat()


def main() -> None:
    """Print the token as kubectl and helm read it."""
    given = token()
    status = {"token": given, "expirationTimestamp": end_of(given)}
    json.dump(
        {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}, sys.stdout
    )


if __name__ == "__main__":
    main()
