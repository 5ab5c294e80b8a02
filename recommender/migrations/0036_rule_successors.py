"""An item may have a business rule that holds now and others that begin later, each in the place of the one before."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("recommender", "0035_rule_since")]
    operations = [
        migrations.RemoveConstraint(model_name="rule", name="rule_one_of_an_item"),
        migrations.AddConstraint(
            model_name="rule",
            constraint=models.UniqueConstraint(
                fields=["catalog", "scenario", "item"], condition=Q(since=None), name="rule_one_of_an_item_at_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="rule",
            constraint=models.UniqueConstraint(
                fields=["catalog", "scenario", "item", "since"], name="rule_one_of_a_moment"
            ),
        ),
    ]
