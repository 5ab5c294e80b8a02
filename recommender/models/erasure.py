"""Whom and what people had erased: a receipt each, which knows its subject again without naming it."""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac

from recommender.models.catalog import Catalog
from recommender.models.rounds import SubjectKind


class Digester:
    """Digests of external ids of one catalog and kind, keyed by R4_SECRET_KEY: of no use to whoever has no key."""

    def __init__(self, catalog: Catalog, kind: str) -> None:
        self._key = salted_hmac("recommender.erasure", f"{catalog.name}\0{kind}", algorithm="sha256").digest()

    def __call__(self, external_id: str) -> str:
        """64 hexadecimal digits."""
        return hmac.digest(self._key, external_id.encode(), hashlib.sha256).hex()


class ErasureQuerySet(models.QuerySet["Erasure"]):
    def standing(self, catalog: Catalog, kind: str) -> Self:
        """Those that nobody took back by importing the same id again on purpose."""
        return self.filter(catalog=catalog, kind=kind, lifted_at=None)

    def named(self, catalog: Catalog, kind: str, external_id: str) -> "Erasure | None":
        """The erasure of this id, if it was erased."""
        return self.standing(catalog, kind).filter(digest=Digester(catalog, kind)(external_id)).first()

    def among(self, catalog: Catalog, kind: str, external_ids: Iterable[str]) -> set[str]:
        """Those of these ids that were erased. One query, and no digest is made where nothing was erased."""
        digests = set(self.standing(catalog, kind).values_list("digest", flat=True))
        if not digests:
            return set()
        digest = Digester(catalog, kind)
        return {one for one in external_ids if digest(one) in digests}


class Erasure(models.Model):
    """A receipt. It holds no id, text or hash of what was erased.

    `digest`: the subject's id under the installation's key, to answer that it was erased. `subject`: the primary key of
    the row that stands for it. `content`: what went, in numbers, and which rounds, cases and versions are concerned.
    `remaining`: what a work that was under way might still bring back; empty once that was looked for (`settled_at`).
    """

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="erased")
    kind = models.CharField(max_length=8, choices=SubjectKind)
    digest = models.CharField(max_length=64)
    subject = models.BigIntegerField()
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    content = models.JSONField(default=dict)
    remaining = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True)
    lifted_at = models.DateTimeField(null=True, help_text="When the same id was imported again on purpose.")

    objects = ErasureQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["catalog", "kind", "digest"], condition=Q(lifted_at=None), name="erasure_unique_while_it_stands"
            )
        ]

    def __str__(self) -> str:
        return f"erasure {self.pk}"
