"""What end users say is wrong about a text that was shown to them."""

import uuid

from django.db import models
from django.db.models import Q

from recommender.models.accounts import ApiToken
from recommender.models.catalog import EndUser
from recommender.models.rounds import Turn
from recommender.models.statements import Statement


class Dispute(models.Model):
    """One objection to a text: its review is opened, before all others. `turn` wrote the text.

    `statement`: the one it is about, where it is about one. `end_user`: who objects, where that is told. `settled_at`:
    when a person decided about the text; `verdict`: how.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, related_name="disputes")
    statement = models.ForeignKey(Statement, on_delete=models.SET_NULL, null=True, related_name="+")
    end_user = models.ForeignKey(EndUser, on_delete=models.CASCADE, null=True, related_name="disputes")
    reason = models.TextField()
    token = models.ForeignKey(ApiToken, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=8, blank=True)

    class Meta:
        indexes = [models.Index(fields=["turn"], condition=Q(settled_at=None), name="dispute_open")]

    def __str__(self) -> str:
        return f"dispute {self.pk}"
