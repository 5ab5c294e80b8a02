from django.apps import AppConfig


class R4WebConfig(AppConfig):
    name = "r4web"

    def ready(self) -> None:
        from r4web import checks  # noqa: F401, PLC0415 - registers them, which needs loaded apps
