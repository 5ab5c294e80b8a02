from django.db import migrations
from django.db.models import F, OuterRef, Q, Subquery

LONGER_THAN_ANY_WAIT = 10**13


def name_who_approved(apps, schema_editor):
    """Approvals of earlier releases: the last decision that put a text in force names who did."""
    knowledge = apps.get_model("recommender", "Knowledge").objects.filter(accepted_by=None)
    decisions = apps.get_model("reviews", "Decision").objects.order_by("-pk")
    approved = decisions.filter(
        Q(verdict="approve", turn=OuterRef("turn")) | Q(verdict="edit", made_turn=OuterRef("turn"))
    )
    knowledge.update(accepted_by=Subquery(approved.values("account")[:1]))


def mend_concerns(apps, schema_editor):
    """The release before took every text of a worker for one that no attempt had passed with."""
    passed = apps.get_model("reviews", "Review").objects.filter(
        concern=0, round__rest_reason__in=("reasonable", "kept", "edited")
    )
    passed.filter(state="done").update(concern=2)
    passed.update(concern=2, place=F("place") + 2 * LONGER_THAN_ANY_WAIT)


class Migration(migrations.Migration):
    dependencies = [
        ("recommender", "0012_statements"),
        ("reviews", "0004_places_needed"),
    ]

    operations = [
        migrations.RunPython(name_who_approved, migrations.RunPython.noop, elidable=True),
        migrations.RunPython(mend_concerns, migrations.RunPython.noop, elidable=True),
    ]
