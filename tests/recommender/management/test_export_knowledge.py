import gzip
import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from recommender.dataset.interactions import read_interactions
from recommender.dataset.text_file import read_text_file
from recommender.dataset.texts import read_proposed_texts
from recommender.models import EndUser, Item
from recommender.rounds import evidence
from tests import builders
from tests.recommender.training import synthetic

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalog():
    catalog = synthetic.in_database("films", end_users=6)
    end_user, item = (kind.objects.filter(catalog=catalog).order_by("pk")[2] for kind in (EndUser, Item))
    (about,) = evidence.of_end_users(catalog, [end_user.pk])
    turns = ("reason", "draft"), ("reflect", "No."), ("refine", "better"), ("reflect", "")
    round_ = builders.make_round(end_user, *turns)
    round_.as_of, round_.evidence = about.as_of, about.subject.to_json()
    round_.save()
    (about,) = evidence.of_items(catalog, [item.pk])
    drafts = builders.make_drafts(item, ("one", ""), ("two", ""), as_of=about.as_of)
    drafts.evidence = about.subject.to_json()
    drafts.save()
    synthetic.approve(Item.objects.get(catalog=catalog, external_id="i000"), "approved", as_of=999)
    return catalog


def export(*arguments):
    out = StringIO()
    call_command("export_knowledge", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("refinements", [None, 0])
def test_a_file_of_proposals_is_the_same_knowledge_as_the_proposals(catalog, tmp_path, refinements):
    path = tmp_path / "texts.jsonl.gz"
    asked = ["--proposals"] if refinements is None else ["--proposals", str(refinements)]
    said = json.loads(export("films", "--out", str(path), *asked, "--json"))
    interactions = read_interactions(catalog)
    from_file = read_text_file(path, interactions)
    known = read_proposed_texts(catalog, interactions, refinements=refinements)

    assert from_file.texts == known.texts
    assert any(text.shown for text in known.texts)
    assert any(text.further for text in known.texts)
    assert (said["texts"], said["unreviewed"]) == (len(known.texts), known.unreviewed)
    assert known.unreviewed == (3 if refinements is not None else 2)
    with gzip.open(path, "rt") as file:
        assert ("draft" in file.read()) == (refinements == 0)


def test_only_approved_texts_are_written_unless_asked_otherwise(catalog, tmp_path):
    path = tmp_path / "texts.jsonl"

    assert "0 of them are unreviewed" in export("films", "--out", str(path))
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == ["approved"]
    with pytest.raises(CommandError, match="no such texts"):
        export("films", "--out", str(path), "--subjects", "end-users")


def test_an_unknown_catalog_and_a_folder_that_is_not_there_are_refused_in_words(catalog, tmp_path):
    with pytest.raises(CommandError, match=r"There is no catalog 'nowhere'\. Catalogs: films"):
        export("nowhere", "--out", str(tmp_path / "x"))
    with pytest.raises(CommandError, match="cannot be written"):
        export("films", "--out", str(tmp_path / "no" / "x"))
