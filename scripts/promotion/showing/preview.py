"""How a preview is shown: what it is, until when, and how to open it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from promotion.previews.preview import Preview
from promotion.showing.result import Shown
from promotion.smoke.sandboxes.throw_away import CREDENTIALS, OWNER, WEB

_PORT = 6789
_READ = '{{index .data "owner-password" | base64decode}}'


def document_of(preview: Preview) -> dict[str, Any]:
    """Return what programs read of a preview; the password itself is nowhere in it."""
    return {
        "name": preview.name,
        "environment": preview.environment,
        "commit": preview.commit,
        "context": preview.namespace.context,
        "namespace": preview.namespace.name,
        "until": preview.until.isoformat(),
        "url": preview.url or f"http://127.0.0.1:{_PORT}",
        "forward": None if preview.url else _typed(preview, "port-forward", f"service/{WEB}", f"{_PORT}:80"),
        "user": OWNER,
        "password": _typed(preview, "get", "secret", CREDENTIALS, f"--output=go-template={_READ}"),
    }


def shown_preview(preview: Preview) -> Shown:
    """Return the preview as the result of a command."""
    document = document_of(preview)
    lines = [
        (f"{_told(document)}, then it removes itself", "bold green"),
        (_opened(document), ""),
        (f"log in    {document['user']}, with the password from: {document['password']}", ""),
        (f"sooner    scripts/preview.py stop {document['name']}", ""),
    ]
    return Shown("preview", document, lines)


def shown_previews(documents: Sequence[dict[str, Any]]) -> Shown:
    """Return the previews of an environment as the result of a command."""
    lines = [(line, "") for document in documents for line in (_told(document), f"  {_opened(document)}")]
    return Shown("previews", documents, lines or [("there is no preview", "")])


def _told(document: dict[str, Any]) -> str:
    what = f"{document['environment']} after a merge of {document['commit'][:8]}"
    return f"preview {document['name']}: {what}, until {document['until'][:16].replace('T', ' ')} UTC"


def _opened(document: dict[str, Any]) -> str:
    after = f", after: {document['forward']}" if document["forward"] else ""
    return f"open      {document['url']}{after}"


def _typed(preview: Preview, *arguments: str) -> str:
    return shlex.join(preview.namespace.command(*arguments))
