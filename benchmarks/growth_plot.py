"""Draw how figures grow with size: both axes logarithmic, so that linear growth is a straight line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 720, 440, 60, 170, 20, 50
_COLOURS = ("#0b6e4f", "#c1440e", "#1d4e89", "#8a4fff", "#555555", "#b8860b")


def plot(x_title: str, y_title: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Return an SVG with one line per name through its points (x, y), all of them positive."""
    points = [point for line in lines.values() for point in line]
    x_decades, y_decades = _decades([x for x, _ in points]), _decades([y for _, y in points])

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + _share(x, x_decades) * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - _share(y, y_decades) * (_HEIGHT - _TOP - _BOTTOM),
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="12"><rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>'
    ]
    for exponent in range(x_decades[0], x_decades[1] + 1):
        (x, top), (_, bottom) = place(10**exponent, 10 ** y_decades[1]), place(10**exponent, 10 ** y_decades[0])
        parts.append(_line(x, top, x, bottom, "#ddd") + _text(x, bottom + 18, f"{10**exponent:,}", "middle"))
    for exponent in range(y_decades[0], y_decades[1] + 1):
        (left, y), (right, _) = place(10 ** x_decades[0], 10**exponent), place(10 ** x_decades[1], 10**exponent)
        parts.append(_line(left, y, right, y, "#ddd") + _text(left - 6, y + 4, f"{10**exponent:g}", "end"))
    heights = _apart([place(*line[-1])[1] for line in lines.values()])
    for (name, line), colour, height in zip(lines.items(), _COLOURS, heights, strict=False):
        corners = [place(x, y) for x, y in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in corners]
        parts.append(_text(corners[-1][0] + 8, height + 4, name, "start", colour))
    middle = _LEFT + (_WIDTH - _LEFT - _RIGHT) / 2
    parts.append(_text(middle, _HEIGHT - 12, x_title, "middle") + _text(6, _TOP - 6, y_title, "start"))
    return "\n".join([*parts, "</svg>", ""])


def _apart(heights: Sequence[float]) -> list[float]:
    """Return `heights`, moved down as far as names beside them need it."""
    moved: dict[int, float] = {}
    for number in sorted(range(len(heights)), key=heights.__getitem__):
        moved[number] = max([heights[number], *(height + 14 for height in moved.values())])
    return [moved[number] for number in range(len(heights))]


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _share(value: float, decades: tuple[int, int]) -> float:
    return (math.log10(value) - decades[0]) / (decades[1] - decades[0])


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{text}</text>'
