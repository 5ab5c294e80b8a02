from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recommender", "0033_turn_reader")]

    operations = [
        migrations.AlterField(
            model_name="experiment",
            name="primary",
            field=models.CharField(
                choices=[
                    ("clicking", "users who click"),
                    ("clicked_lists", "lists that are clicked"),
                    ("liking", "users who like an item"),
                    ("buying", "users who buy an item"),
                    ("rating", "mean rating"),
                    ("helpful", "reasons called helpful"),
                ],
                default="clicking",
                max_length=13,
            ),
        ),
    ]
