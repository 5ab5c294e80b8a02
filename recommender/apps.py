from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class RecommenderConfig(AppConfig):
    name = "recommender"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from recommender.stamps import triggers  # noqa: PLC0415 - it needs the apps to be ready

        pre_migrate.connect(triggers.before_migrations, sender=self)
        post_migrate.connect(triggers.after_migrations, sender=self)
