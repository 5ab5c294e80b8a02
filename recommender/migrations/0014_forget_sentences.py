from django.db import migrations


def forget(apps, schema_editor):
    """Texts are cut into sentences otherwise than before: an erasure would not find the vectors of the earlier ones.

    Vectors are made again where they are needed.
    """
    texts = apps.get_model("recommender", "Turn").objects.values("text_hash")
    apps.get_model("recommender", "KnowledgeVector").objects.exclude(text_hash__in=texts).delete()


class Migration(migrations.Migration):
    dependencies = [("recommender", "0013_second_factor")]

    operations = [migrations.RunPython(forget, migrations.RunPython.noop, elidable=True)]
