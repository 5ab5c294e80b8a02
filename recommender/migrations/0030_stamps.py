import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recommender", "0029_guards")]

    operations = [
        migrations.CreateModel(
            name="CatalogStamp",
            fields=[
                ("catalog", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="stamp", serialize=False, to="recommender.catalog")),
                ("items", models.BigIntegerField(help_text="Its items.")),
                ("versions", models.BigIntegerField(help_text="Its backbone versions and their rollouts.")),
                ("said", models.BigIntegerField(help_text="Knowledge, snapshots of it, statements, and lists that an LLM scored.")),
                ("rounds", models.BigIntegerField(help_text="Rounds, their turns, and disputes.")),
            ],
        ),
    ]
