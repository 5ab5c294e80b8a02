"""The Celery application: `celery -A r4web worker -Q llm` and `-Q training`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "r4web.settings")

app = Celery("r4web")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["worker"])
