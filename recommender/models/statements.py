"""Statements of the texts, as they were read or as people said them."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from recommender.models.catalog import EndUser
from recommender.models.rounds import Turn


class Polarity(models.TextChoices):
    LIKES = "likes", "likes"
    DISLIKES = "dislikes", "dislikes"
    MIXED = "mixed", "mixed"
    NEUTRAL = "neutral", "told"


class Holder(models.TextChoices):
    """Whose opinion a statement is; of a text about an item, who liked it and who did not."""

    SUBJECT = "subject", "subject"
    LIKERS = "likers", "who liked it"
    DISLIKERS = "dislikers", "who did not"


class Source(models.TextChoices):
    """How a statement came about."""

    ACTOR = "actor", "given with the text"
    EXTRACTION = "extraction", "listed when asked"
    READER = "reader", "read from the text"
    PERSON = "person", "said by a person"
    END_USER = "end_user", "said by the user"


class Statement(models.Model):
    """One statement (grounding.statements), of a rationale or of an end user. Append-only: one that no longer counts
    has ended.

    A person who changes one ends it and adds another, which `replaces` it; one they strike has no successor. One of a
    text that ended by nobody was not found when the text was read again (statements.again). `key`:
    equal for statements about the same aspect. `start`, `end`: characters of the turn's text; both 0 where a person
    added it beside the text, whose words `quote` then has.

    What an end user says of themself (statements.own) belongs to no text, so `end_user` has it in place of `turn`.
    `negated`: they say that it is not so. `began_at`: it counts from then on; null while it waits for a person, whom
    `accepted_by` names.
    """

    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, null=True, related_name="statements")
    end_user = models.ForeignKey(EndUser, on_delete=models.CASCADE, null=True, related_name="statements")
    place = models.PositiveSmallIntegerField()
    aspect = models.JSONField(help_text="Facets: kind, name, value.")
    key = models.CharField(max_length=400)
    polarity = models.CharField(max_length=8, choices=Polarity)
    strength = models.FloatField()
    holder = models.CharField(max_length=10, choices=Holder, default=Holder.SUBJECT)
    start = models.PositiveIntegerField(default=0)
    end = models.PositiveIntegerField(default=0)
    quote = models.TextField(blank=True)
    source = models.CharField(max_length=10, choices=Source)
    otherwise = models.CharField(
        max_length=10,
        blank=True,
        help_text="Where a model and the reader read a text: the polarity that the other one found, or nothing; empty "
        "where they agree.",
    )
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="replaced_by")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    negated = models.BooleanField(default=False)
    began_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["turn", "place"]
        constraints = [
            models.UniqueConstraint(fields=["turn", "place"], name="statement_place_unique_in_turn"),
            models.CheckConstraint(condition=Q(strength__gt=0, strength__lte=1), name="statement_strength_above_0"),
            models.CheckConstraint(
                condition=~Q(source=Source.PERSON) | Q(account__isnull=False), name="statement_of_person_names_them"
            ),
            models.CheckConstraint(
                condition=Q(turn__isnull=False, end_user=None) & ~Q(source=Source.END_USER)
                | Q(turn=None, end_user__isnull=False, source=Source.END_USER),
                name="statement_of_a_text_or_an_end_user",
            ),
        ]
        indexes = [
            models.Index(
                fields=["began_at", "id"],
                condition=Q(source=Source.END_USER, ended_at=None, began_at=None),
                name="statement_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.polarity} {self.key}"
