from django.db import migrations

LONGER_THAN_ANY_WAIT = 10**13
PASSED = ("reasonable", "kept", "edited")
AT_ONCE = 2000


def fill(apps, schema_editor):
    """Every review learns what its round knows, and where it stands in the list of its state."""
    reviews = apps.get_model("reviews", "Review").objects.select_related("round").order_by("pk")
    reviews = reviews.defer("round__evidence", "round__error")
    last = 0
    while rows := list(reviews.filter(pk__gt=last)[:AT_ONCE]):
        for row in rows:
            row.catalog_id, row.kind = row.round.catalog_id, "item" if row.round.item_id else "end_user"
            row.concern = 2 if row.round.rest_reason in PASSED else 0
            if row.state == "done" and row.closed_at:
                row.place = int(row.closed_at.timestamp() * 1000)
            else:
                row.place = row.concern * LONGER_THAN_ANY_WAIT + int(row.opened_at.timestamp() * 1000)
        reviews.model.objects.bulk_update(rows, ["catalog", "kind", "concern", "place"])
        last = rows[-1].pk


class Migration(migrations.Migration):
    dependencies = [("reviews", "0002_judging")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
