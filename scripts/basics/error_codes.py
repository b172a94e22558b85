"""The register of error codes: what each means and what usually mends it. Only the command `explain` reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

REGISTER = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class ErrorCode:
    """One code, with the exit codes of the refusals that have it, and whether findings have it."""

    code: str
    meaning: str
    mend: str
    exit_codes: tuple[int, ...] = ()
    finding: bool = False

    @property
    def shown(self) -> str:
        """Return the forms in which people see the code."""
        numbers = " or ".join(map(str, self.exit_codes))
        kinds = (f"exit code {numbers}" if numbers else "", "finding" if self.finding else "")
        return ", ".join(filter(None, kinds))


def error_codes(register: Path = REGISTER) -> dict[str, ErrorCode]:
    """Read the register: every code that a refusal or a finding can have, in alphabetical order."""
    entries = yaml.safe_load(register.read_text(encoding="utf-8"))
    return {
        code: ErrorCode(code, **(entry | {"exit_codes": tuple(entry.get("exit_codes", ()))}))
        for code, entry in entries.items()
    }
