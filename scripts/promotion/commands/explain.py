"""`promote.py explain [CODE]`: what the code of a refusal or a finding means, and what usually mends it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from basics.error_codes import ErrorCode, error_codes
from basics.errors import UsageError
from basics.wording import near
from promotion.showing.result import Result, Shown


def explain(code: str | None) -> Iterator[Result]:
    """Explain `code`, or list all codes (None)."""
    known = error_codes()
    if code is not None and code not in known:
        raise UsageError("unknown-code", f"there is no code {code!r}", fix=near(code, known))
    shown = list(known.values()) if code is None else [known[code]]
    lines = _listed(shown) if code is None else _explained(known[code])
    yield Shown("codes", [asdict(each) for each in shown], list(lines))


def _explained(code: ErrorCode) -> Iterator[tuple[str, str]]:
    yield f"{code.code} ({code.shown})", "bold"
    yield f"  {code.meaning}", ""
    yield f"  fix: {code.mend}", ""


def _listed(codes: Sequence[ErrorCode]) -> Iterator[tuple[str, str]]:
    width = max(len(each.code) for each in codes)
    yield from ((f"{each.code:{width}}  {each.meaning}", "") for each in codes)
