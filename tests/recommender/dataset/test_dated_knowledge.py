"""The migration that puts texts of every moment in force changes nothing that was frozen or shown until then."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.utils import timezone

from recommender.knowledge import service
from recommender.models import Knowledge
from tests.builders import make_catalog, make_end_user
from tests.recommender.training.synthetic import approve

pytestmark = pytest.mark.django_db
migration = import_module("recommender.migrations.0005_windows_and_drafts")


def replaced(text: str, *, by: Knowledge) -> None:
    """As `accept` left it before: out of force from the moment that its successor was accepted."""
    Knowledge.objects.filter(text=text).update(in_force=False, ended_at=by.accepted_at)


def in_force() -> list[str]:
    return sorted(Knowledge.objects.filter(in_force=True).values_list("text", flat=True))


def test_older_texts_that_were_replaced_are_in_force_and_nothing_else() -> None:
    end_user = make_end_user(make_catalog())
    for text, as_of in (("early", 10), ("later", 30), ("current", 20), ("rejected later", 5), ("rejected", 1)):
        approve(end_user, text, as_of=as_of)
    current = Knowledge.objects.get(text="current")
    for text in ("early", "later", "rejected later"):
        replaced(text, by=current)
    Knowledge.objects.filter(text="rejected").update(in_force=False, ended_at=timezone.now() + timedelta(seconds=9))
    service.reject(Knowledge.objects.get(text="rejected later").turn)

    migration.put_dated_texts_in_force(apps, None)

    # "later" was replaced by a text about an earlier moment on purpose; it was used by nothing since.
    assert in_force() == ["current", "early"]
    assert Knowledge.objects.get(text="early").ended_at is None


def test_of_several_texts_of_one_moment_the_newest_counts() -> None:
    end_user = make_end_user(make_catalog())
    turn = approve(end_user, "old", as_of=10)
    old = Knowledge.objects.get()
    new = Knowledge.objects.create(
        catalog=end_user.catalog, end_user=end_user, turn=turn, text="new", text_hash="n", as_of=10, in_force=False
    )
    approve(end_user, "current", as_of=20)
    replaced("old", by=new)
    replaced("new", by=Knowledge.objects.get(text="current"))
    assert old.accepted_at < new.accepted_at

    migration.put_dated_texts_in_force(apps, None)

    assert in_force() == ["current", "new"]
