"""Quantities of Kubernetes, such as `500m` and `2Gi`."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

# k8s.io/apimachinery, pkg/api/resource/quantity.go; a resource cannot be less than nothing
_QUANTITY = re.compile(r"\+?(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?")
_SMALL, _LARGE = "num", "kMGTPE"


def amount_of(quantity: Any) -> Decimal | None:
    """Return the number that `quantity` stands for; None if Kubernetes does not know it."""
    found = _QUANTITY.fullmatch("" if isinstance(quantity, bool) else str(quantity))
    return Decimal(found[1]) * _factor(found[2] or "") if found else None


def nearest_quantity(resource: str, quantity: Any) -> str:
    """Return what was probably meant by `quantity`, of which Kubernetes knows nothing; or an example."""
    guess = re.sub(r"(?i)\s*([kmgt])i?b$", lambda unit: f"{unit[1].upper()}i", str(quantity))
    return guess if amount_of(guess) is not None else {"cpu": "500m"}.get(resource, "8Gi")


def _factor(unit: str) -> Decimal:
    if unit in ("", *_SMALL):
        return Decimal(1000) ** (_SMALL.find(unit) - 3 if unit else 0)
    if unit.endswith("i"):
        return Decimal(1024) ** (_LARGE.upper().index(unit[0]) + 1)
    return Decimal(f"1{unit}") if unit[1:] else Decimal(1000) ** (_LARGE.index(unit) + 1)
