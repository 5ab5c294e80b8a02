"""When a business rule begins to hold."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recommender", "0034_experiment_metric_helpful")]
    operations = [
        migrations.AddField(model_name="rule", name="since", field=models.DateTimeField(null=True)),
    ]
