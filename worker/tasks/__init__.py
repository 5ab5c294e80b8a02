"""The Celery tasks, by the names in recommender.jobs. Thin: fetch, call a service, map errors."""

from worker.tasks import rounds, training

__all__ = ["rounds", "training"]
