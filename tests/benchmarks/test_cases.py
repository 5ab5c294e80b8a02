"""`make cases` tells every file of imports; its modes and its attack set are tests of their own."""

import pytest

from benchmarks import cases
from tests.conftest import ROOT

IMPORTS = ROOT / "tests" / "data" / "imports"


@pytest.mark.django_db
@pytest.mark.once
def test_every_import_ends_as_it_should() -> None:
    found = list(cases.imports(IMPORTS))
    assert len(found) == len(cases.IMPORTS)
    assert [one for one in found if not one.right] == []
    assert cases.table(found).count("| right |") == len(found)


@pytest.mark.data
def test_the_cases_here_are_those_that_are_shared(research_data: object) -> None:
    shared = ROOT.parent / "shared" / "cases"
    for folder, copy in ((shared / "imports", IMPORTS), (shared / "endpoint", ROOT / "tests" / "data" / "hostile")):
        for path in folder.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert (copy / path.relative_to(folder)).read_bytes() == path.read_bytes(), path
