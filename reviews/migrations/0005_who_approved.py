from django.db import migrations
from django.db.models import OuterRef, Q, Subquery


def name_who_approved(apps, schema_editor):
    """Approvals of earlier releases: the last decision that put a text in force names who did."""
    knowledge = apps.get_model("recommender", "Knowledge").objects.filter(accepted_by=None)
    decisions = apps.get_model("reviews", "Decision").objects.order_by("-pk")
    approved = decisions.filter(
        Q(verdict="approve", turn=OuterRef("turn")) | Q(verdict="edit", made_turn=OuterRef("turn"))
    )
    knowledge.update(accepted_by=Subquery(approved.values("account")[:1]))


class Migration(migrations.Migration):
    dependencies = [
        ("recommender", "0012_statements"),
        ("reviews", "0004_places_needed"),
    ]

    operations = [migrations.RunPython(name_who_approved, migrations.RunPython.noop)]
