"""Wires R4Web: settings, URLs, the Celery application. Nothing but entry points imports it."""

from r4web.celery import app as celery_app

__all__ = ["celery_app"]
