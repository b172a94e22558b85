"""charts/mage/MAGE.md names what the code has of Mage and what the tests ask of it: no more, no less."""

from __future__ import annotations

from collections.abc import Iterable

import mage_page

PAGE = mage_page.PAGE.read_text()
ENTRIES = mage_page.entries(PAGE)
MARKS = mage_page.marks()


def places(name: str) -> set[str]:
    """Return the files that have a mark of that name."""
    return {file for marked, file in MARKS if marked == name}


def are_ends(ends: Iterable[str], files: set[str]) -> bool:
    """Whether each of `ends` is the end of one of `files`, and the other way round."""
    found = [[file for file in files if f"/{file}".endswith(f"/{end}")] for end in ends]
    return sorted(file for each in found for file in each) == sorted(files) and all(map(len, found))


def test_each_name_is_on_the_page_once() -> None:
    assert PAGE.count("- **`") == len(ENTRIES)


def test_names_of_the_page_are_those_of_the_marks() -> None:
    assert sorted(ENTRIES) == sorted({name for name, _ in MARKS})


def test_the_page_says_where_the_marks_are() -> None:
    wrong = {name: places(name) for name, ends in ENTRIES.items() if not are_ends(ends, places(name))}
    assert wrong == {}


def test_names_of_the_page_are_those_of_the_questions_to_mage() -> None:
    kinds = {
        name: "mend" if heading.startswith("Mends") else "relied_on"
        for heading, names in mage_page.sections(PAGE).items()
        for name in names
    }
    assert kinds == mage_page.questions()


def test_every_import_of_mage_is_in_the_table_with_a_name_of_each_file() -> None:
    table = mage_page.imported(PAGE)
    found = {(each.module, each.file) for each in mage_page.imports()}
    assert sorted(table) == sorted({module for module, _ in found})
    covered = {(module, file) for module, names in table.items() for name in names for file in places(name)}
    assert found - covered == set()


def test_every_name_of_the_table_is_of_a_file_that_imports_the_module() -> None:
    found = {(each.module, each.file) for each in mage_page.imports()}
    for module, names in mage_page.imported(PAGE).items():
        for name in names:
            assert any((module, file) in found for file in places(name)), (module, name)


def test_the_code_has_marks_and_imports() -> None:
    """Or nothing above would be looked at."""
    assert len(MARKS) > 70
    assert len(mage_page.imports()) > 60


def test_the_page_reaches_no_pod() -> None:
    """A change of the page would restart them: the chart hashes what is in its folder `files`."""
    assert not mage_page.PAGE.is_relative_to(mage_page.ROOT / "charts" / "mage" / "files")
