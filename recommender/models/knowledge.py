"""Knowledge: the rationale in force for a subject, its vectors, and the snapshots backbones were trained on."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from recommender.models.catalog import Catalog, EndUser, Item
from recommender.models.rounds import ONE_SUBJECT, SubjectKind, Turn


class Knowledge(models.Model):
    """What people approved about a subject as of one moment: one rationale, or the kept drafts of a filtered round.

    Of each moment one is in force, until another approved as of the same moment takes over or it is rejected. An
    interaction uses the one with the latest `as_of` that is not after it; serving uses the latest of all.
    """

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="knowledge")
    end_user = models.ForeignKey(EndUser, on_delete=models.CASCADE, null=True, related_name="knowledge")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, null=True, related_name="knowledge")
    turn = models.ForeignKey(Turn, on_delete=models.PROTECT, related_name="knowledge")
    text = models.TextField()
    text_hash = models.CharField(max_length=64)
    further_texts = models.JSONField(
        default=list, blank=True, help_text="The other kept drafts, in order: turn (primary key), text, text_hash."
    )
    as_of = models.BigIntegerField(help_text="Never used for an interaction before this moment.")
    in_force = models.BooleanField(default=True)
    accepted_at = models.DateTimeField(auto_now_add=True)
    accepted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=ONE_SUBJECT, name="knowledge_has_one_subject"),
            models.UniqueConstraint(
                fields=["end_user", "as_of"],
                condition=Q(in_force=True, item=None),
                name="knowledge_one_in_force_end_user",
            ),
            models.UniqueConstraint(
                fields=["item", "as_of"], condition=Q(in_force=True, end_user=None), name="knowledge_one_in_force_item"
            ),
        ]
        indexes = [models.Index(fields=["catalog", "in_force"], name="knowledge_catalog_in_force")]

    def __str__(self) -> str:
        return f"knowledge {self.pk}"

    @property
    def subject_kind(self) -> SubjectKind:
        return SubjectKind.ITEM if self.item_id else SubjectKind.END_USER

    @property
    def turn_ids(self) -> list[int]:
        return [self.turn_id, *(each["turn"] for each in self.further_texts)]

    @property
    def text_hashes(self) -> list[str]:
        return [self.text_hash, *(each["text_hash"] for each in self.further_texts)]


class KnowledgeVector(models.Model):
    """A text's vector by one encoder: computed once per text, whoever uses it. `vector`: little-endian float32."""

    encoder = models.CharField(max_length=120)
    text_hash = models.CharField(max_length=64)
    vector = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["encoder", "text_hash"], name="vector_unique")]

    def __str__(self) -> str:
        return f"{self.encoder} {self.text_hash[:8]}"


class KnowledgeSnapshot(models.Model):
    """The frozen set of knowledge a backbone was trained on. `content_hash` covers subjects and texts."""

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="snapshots")
    number = models.PositiveIntegerField()
    encoder = models.CharField(max_length=120)
    content_hash = models.CharField(max_length=64)
    end_user_count = models.PositiveIntegerField()
    item_count = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    knowledge = models.ManyToManyField(Knowledge, related_name="snapshots")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["catalog", "number"], name="snapshot_number_unique")]

    def __str__(self) -> str:
        return f"snapshot {self.number} of {self.catalog}"
