"""The register of error codes as a table, and as the values that `code` can have in the JSON output."""

from __future__ import annotations

import json
from pathlib import Path

from basics.error_codes import error_codes
from reference.markdown import table
from reference.output import SCHEMA

REGISTER = "scripts/basics/error_codes.yaml"
_HEADS = ("code", "seen as", "what it means", "what mends it")


def errors(root: Path) -> str:
    """Return a table of all codes, each with an anchor."""
    codes = error_codes(root / REGISTER).values()
    return table(
        _HEADS, ((f'<a id="{each.code}"></a>`{each.code}`', each.shown, each.meaning, each.mend) for each in codes)
    )


def schema_with_codes(root: Path) -> str:
    """Return the schema of the JSON output with all codes in it."""
    schema = json.loads((root / SCHEMA).read_text())
    schema["$defs"]["code"]["enum"] = list(error_codes(root / REGISTER))
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
