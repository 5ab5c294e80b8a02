"""Erasing, exporting and importing again, as people do on the command line."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from recommender.models import EndUser, Erasure, Interaction
from reviews.models import Verdict
from tests.reviews.approved import make_decision

pytestmark = pytest.mark.django_db
ITEMS = "item_id,title\nf1,One\nf2,Two\n"
RATINGS = "user_id,item_id,rating,timestamp\nann,f1,5,1\nann,f2,4,2\nbob,f1,3,3\n"


@pytest.fixture
def films(settings: Any, tmp_path: Path) -> list[str]:
    """The arguments of an import that was done."""
    settings.VAR_DIR = tmp_path
    (tmp_path / "items.csv").write_text(ITEMS)
    (tmp_path / "ratings.csv").write_text(RATINGS)
    given = ["films", str(tmp_path / "ratings.csv"), "--format", "csv", "--items", str(tmp_path / "items.csv")]
    call("import_catalog", *given)
    return given


def call(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_nothing_happens_without_yes(films: list[str]) -> None:
    assert "2  ratings" in call("erase", "films", "--user", "ann")
    assert json.loads(call("erase", "films", "--user", "ann", "--json")) == {"erased": False, "counts": {"ratings": 2}}
    assert EndUser.objects.filter(external_id="ann").exists()
    with pytest.raises(CommandError, match="nothing of this id"):
        call("erase", "films", "--user", "carl")
    with pytest.raises(CommandError, match="has no end user"):
        call("erase", "films", "--user", "carl", "--yes")


def test_the_receipt_is_printed_and_names_nobody(films: list[str]) -> None:
    said = call("erase", "films", "--user", "ann", "--yes")
    again = json.loads(call("erase", "films", "--user", "ann", "--yes", "--json"))

    assert f"Receipt {Erasure.objects.get().pk} of" in said
    assert "ann" not in said
    assert again["counts"] == {"ratings": 2}


def test_an_import_refuses_whoever_was_erased_unless_it_is_told_to(films: list[str]) -> None:
    call("erase", "films", "--user", "ann", "--yes")
    call("erase", "films", "--item", "f2", "--yes")

    report = json.loads(call("import_catalog", *films, "--json"))

    assert report["rejected"] == 3
    assert all("erased before" in one["reason"] and not one["found"] for one in report["rejections"])
    assert list(Interaction.objects.values_list("end_user__external_id", "item__external_id")) == [("bob", "f1")]

    call("import_catalog", *films, "--erased-too")
    assert Interaction.objects.count() == 3
    assert not Erasure.objects.filter(lifted_at=None).exists()
    assert call("erase", "films", "--user", "ann", "--yes") != ""
    assert Erasure.objects.filter(kind="end_user").count() == 2


def test_everything_about_a_person_is_written_to_a_file_of_its_owner(films: list[str], tmp_path: Path) -> None:
    ann = EndUser.objects.select_related("catalog").get(external_id="ann")
    make_decision(ann, Verdict.APPROVE, by="rita")
    call("export_person", "films", "ann", "--out", str(tmp_path / "ann.json"))

    written = json.loads((tmp_path / "ann.json").read_text())
    assert (tmp_path / "ann.json").stat().st_mode & 0o777 == 0o600
    assert written == json.loads(call("export_person", "films", "ann"))
    assert [met["item_id"] for met in written["ratings"]] == ["f1", "f2"]
    assert [turn["text"] for turn in written["texts"][0]["turns"]][2] == "Likes war films."
    assert written["texts"][0]["decisions"][0]["by"] == "annotator"
    assert written["in_force"][0]["text"] == "Likes war films."
    with pytest.raises(CommandError, match="no end user"):
        call("export_person", "films", "carl")
