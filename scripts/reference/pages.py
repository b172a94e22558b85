"""Which pages are generated. Only the part between two markers is; the rest of a page is written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from basics.errors import PromotionError
from reference.chart_values import chart_values
from reference.commands import commands
from reference.errors import errors, schema_with_codes
from reference.output import SCHEMA, output

BEGIN = "<!-- written by `make reference`: begin -->"
END = "<!-- written by `make reference`: end -->"

PAGES: Mapping[str, Callable[[Path], str]] = {
    "charts/mage/README.md": chart_values,
    "docs/reference/commands.md": commands,
    "docs/reference/errors.md": errors,
    "docs/reference/output.md": output,
}


def write(root: Path) -> None:
    """Write every page of the clone `root`, or none."""
    for path, text in list(pages(root)):
        path.write_text(text)


def pages(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield each page, and the schema, with the text that it should have; refuse a page without its markers."""
    for name, content in PAGES.items():
        path = root / name
        text = path.read_text()
        if text.count(BEGIN) != 1 or text.count(END) != 1:
            fix = f"write the line {BEGIN} and, after it, {END}, once each"
            raise PromotionError("no-markers", f"{name} does not show where the generated part is", fix=fix)
        head, rest = text.split(BEGIN)
        tail = rest.split(END)[1]
        yield path, f"{head}{BEGIN}\n\n{content(root)}\n{END}{tail}"
    yield root / SCHEMA, schema_with_codes(root)
