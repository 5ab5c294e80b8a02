"""What phrases of statements mean in the words of a catalog's texts: made by a worker, read by serving."""

from django.db import models

from recommender.models.catalog import Catalog


class TermVector(models.Model):
    """A word of a catalog's texts about items, or two that stand together, and its vector by one encoder; or a sentence
    that describes an item, whose hash stands for it.

    `vector`: little-endian float16, of length one.
    """

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="term_vectors")
    encoder = models.CharField(max_length=120)
    term = models.CharField(max_length=120)
    vector = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["catalog", "encoder", "term"], name="term_vector_unique")]

    def __str__(self) -> str:
        return self.term


class PhraseMeaning(models.Model):
    """The terms of a catalog's texts that mean what a phrase says.

    `phrase`: as statements.phrases.key_of has it. `vector`: as a term's. `terms`: term and degree, above 0 and below 1,
    the nearest first. `basis`: what they were found among and by which rules, as a hash. `seen`: the newest statement
    that is known to have the phrase.
    """

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="phrase_meanings")
    encoder = models.CharField(max_length=120)
    phrase = models.CharField(max_length=200)
    vector = models.BinaryField()
    terms = models.JSONField(default=list)
    basis = models.CharField(max_length=64, blank=True)
    seen = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["catalog", "phrase"], name="phrase_meaning_unique")]
        indexes = [models.Index(fields=["catalog", "-seen"], name="phrase_meaning_newest")]

    def __str__(self) -> str:
        return self.phrase
