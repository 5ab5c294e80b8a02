"""What phrases of statements mean in the words of a catalog's texts, as a worker finds it with the knowledge encoder.
The texts are those that people approved about items, and what describes items among their attributes.

A phrase and the texts' terms are encoded alike; terms that lie near enough mean the phrase, and items whose texts have
one meet it (statements.phrases). Where no term does and the texts have not the phrase's words, sentences that describe
items are compared with it. Each term and each phrase is encoded once. It may be stopped and go on at any time,
and doing it again changes nothing.
"""

import hashlib
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import Max, Q
from numpy.typing import NDArray

from recommender.grounding import tables
from recommender.grounding.prose import prose_of
from recommender.grounding.terms import sentence_terms, terms_of, without_nouns, words_of
from recommender.knowledge.nearness import BACKGROUND, THRESHOLDS, comparable, unit
from recommender.knowledge.snapshots import encoder_key
from recommender.models import Catalog, CatalogStamp, Holder, Item, Knowledge, PhraseMeaning, Statement, TermVector
from recommender.runs.errors import EncoderError
from recommender.statements.phrases import MOST_PHRASES, key_of

RULES = 3  # of what is near: another number has all terms found anew
MOST_SENTENCES = 20_000  # of a catalog: four minutes of one core, once
AT_ONCE = 512  # terms or phrases that are encoded and kept together
OVERLAP = 1_000  # statements: so many may be committed after later ones
Vectors = NDArray[np.float32]
_NONE: Vectors = np.empty((0, 0), dtype=np.float32)
_LOOKED_AT: dict[int, tuple[Any, ...]] = {}  # by a catalog's key: what was written into it by then
_TERMS: dict[int, tuple[str, list[str], dict[str, str]]] = {}  # by a catalog's key: of the texts with this hash

log = logging.getLogger(__name__)


def find_missing() -> int:
    """The same of all catalogs into which anything was written since this process last looked.

    Where the encoder is not here phrases are met by their own words, as before.
    """
    found = 0
    for catalog in Catalog.objects.select_related("stamp").order_by("pk"):
        stamp: CatalogStamp | None = catalog._state.fields_cache.get("stamp")
        state = (catalog.created_at, catalog.erasures, (stamp.said, stamp.items) if stamp else None)
        if stamp is not None and _LOOKED_AT.get(catalog.pk) == state:
            continue
        try:
            found += find(catalog)
        except (EncoderError, ModuleNotFoundError) as error:
            log.warning("What phrases mean is not found: %s", error)
        _LOOKED_AT[catalog.pk] = state
    return found


def find(catalog: Catalog, *, also: Collection[str] = ()) -> int:
    """Find what phrases of a catalog's statements mean, where that is not known; returns of how many it was found.

    `also`: phrases that no statement has yet. Raises EncoderError where the encoder is not here, ModuleNotFoundError
    where what it is loaded with is not.
    """
    texts, described = _texts(catalog)
    key = encoder_key(settings.ENCODER)
    if not texts or key not in THRESHOLDS:
        forget(catalog, texts=True)
        return 0
    PhraseMeaning.objects.filter(catalog=catalog).exclude(encoder=key).delete()
    TermVector.objects.filter(catalog=catalog).exclude(encoder=key).delete()
    terms, sentences = _terms(catalog, texts, described)
    basis = hashlib.sha256("\n".join([str(RULES), key, *terms, *sentences.values()]).encode()).hexdigest()
    encoder = _Encoder()
    _keep_phrases(catalog, _new_phrases(catalog, also), key, encoder)
    stale = list(PhraseMeaning.objects.filter(catalog=catalog).exclude(basis=basis).order_by("-seen"))
    if stale:
        threshold = THRESHOLDS[key]
        background = encoder(BACKGROUND) if threshold.centred else _NONE
        told = sentences if threshold.sentence is not None else {}
        every = _vectors(catalog, {term: term for term in terms} | {_hashed(one): one for one in told}, key, encoder)
        vectors, of_sentences = every[: len(terms)], every[len(terms) :]
        for some in _chunks(stale):
            phrases = np.array([np.frombuffer(bytes(one.vector), "<f2") for one in some], dtype=np.float32)
            known, phrases = comparable(
                terms,
                vectors,
                phrases,
                background,
                threshold,
                sentences=list(told.values()),
                of_sentences=of_sentences,
            )
            for one, vector in zip(some, phrases, strict=True):
                one.terms, one.basis = known.nearest(as_said(one.phrase), vector, threshold), basis
            PhraseMeaning.objects.bulk_update(some, ["terms", "basis"])
    return len(stale)


def forget(catalog: Catalog, *, texts: bool) -> None:
    """Let go of what phrases mean, and where `texts`, of the words of the texts: what is left a worker finds again."""
    PhraseMeaning.objects.filter(catalog=catalog).delete()
    if texts:
        TermVector.objects.filter(catalog=catalog).delete()


class _Encoder:
    """The knowledge encoder, loaded when the first word is encoded."""

    def __init__(self) -> None:
        self._loaded: Any = None

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """(texts, D), of length one."""
        if self._loaded is None:
            from recommender.knowledge import encoder  # noqa: PLC0415 - torch, only where there is something to encode

            self._loaded = encoder.load(settings.ENCODER)
        found: Vectors = np.asarray(self._loaded.encode(list(texts), done=lambda _: None), dtype=np.float32)
        return unit(found)


def _texts(catalog: Catalog) -> tuple[list[str], list[str]]:
    """Of each item that is told of: the approved texts, kept drafts one after the other, and what describes it. Then
    what describes items alone."""
    found: dict[int, list[str]] = {}
    rows = Knowledge.objects.filter(catalog=catalog, end_user=None, in_force=True).order_by("item", "pk")
    for item, text, further in rows.values_list("item_id", "text", "further_texts").iterator(chunk_size=5_000):
        found.setdefault(item, []).extend([text, *(each["text"] for each in further)])
    described: list[str] = []
    items = Item.objects.filter(catalog=catalog).order_by("pk").values_list("pk", "attributes")
    for item, attributes in items.iterator(chunk_size=5_000):
        if own := [text for _, text in prose_of(attributes)]:
            found.setdefault(item, []).extend(own)
            described += own
    return ["\n".join(texts) for _, texts in sorted(found.items())], described


def _terms(catalog: Catalog, texts: Sequence[str], described: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """And the sentences that describe items, each with the term that stands for it, at most MOST_SENTENCES.

    Taken anew only where a text is another one: of many texts that takes much longer than reading them.
    """
    basis = hashlib.sha256("\n\n".join(texts).encode()).hexdigest()
    if _TERMS.get(catalog.pk, ("", [], {}))[0] != basis:
        sentences = chain.from_iterable(map(sentence_terms, described))
        _TERMS[catalog.pk] = basis, terms_of(texts), dict(islice(sentences, MOST_SENTENCES))
    return _TERMS[catalog.pk][1:]


def _new_phrases(catalog: Catalog, also: Collection[str]) -> dict[str, tuple[str, int]]:
    """Of end users' statements that came since: by key, a phrase as it is written and the newest that has it."""
    known = PhraseMeaning.objects.filter(catalog=catalog)
    since = (known.aggregate(last=Max("seen"))["last"] or 0) - OVERLAP
    theirs = Q(end_user__catalog=catalog) | Q(turn__round__catalog=catalog, turn__round__item=None)
    rows = Statement.objects.filter(theirs, pk__gt=since, ended_at=None, holder=Holder.SUBJECT)
    with_phrases = rows.filter(key__contains="phrase=").order_by("-pk").values_list("pk", "aspect")
    found: dict[str, tuple[str, int]] = {}
    for pk, aspect in with_phrases.iterator(chunk_size=5_000):
        for facet in aspect:
            if facet["kind"] == "phrase" and (key := key_of(facet["value"])) and len(found) < MOST_PHRASES:
                found.setdefault(key, (facet["value"], pk))
    found = {key: (each, 0) for each in also if (key := key_of(each))} | found
    there = set(known.filter(phrase__in=found).values_list("phrase", flat=True)) if found else set()
    return {key: value for key, value in found.items() if key not in there}


def _keep_phrases(catalog: Catalog, phrases: dict[str, tuple[str, int]], key: str, encoder: _Encoder) -> None:
    """Of those that say something. What is near to nothing is kept too, so that it is not encoded again."""
    said = {phrase: " ".join(words) for phrase, (written, _) in phrases.items() if (words := as_said(written))}
    for some in _chunks(list(said)):
        vectors = encoder([said[phrase] for phrase in some])
        PhraseMeaning.objects.bulk_create(
            [
                PhraseMeaning(
                    catalog=catalog, encoder=key, phrase=phrase, vector=_packed(vector), seen=phrases[phrase][1]
                )
                for phrase, vector in zip(some, vectors, strict=True)
            ],
            ignore_conflicts=True,
        )
    kept = PhraseMeaning.objects.filter(catalog=catalog).order_by("-seen", "-pk")
    for first_left_out in kept.values_list("seen", flat=True)[MOST_PHRASES : MOST_PHRASES + 1]:
        kept.filter(seen__lte=first_left_out).delete()


def as_said(phrase: str) -> list[str]:
    """The words of a phrase that are encoded."""
    nouns = tables.words("nouns")
    return without_nouns(words_of(phrase, nouns), nouns)


def _vectors(catalog: Catalog, texts: Mapping[str, str], key: str, encoder: _Encoder) -> Vectors:
    """Of texts (n, D) by the terms that they are kept as. Those that no text has any more are let go."""
    kept = TermVector.objects.filter(catalog=catalog, encoder=key)
    known = {term: np.frombuffer(bytes(vector), "<f2") for term, vector in kept.values_list("term", "vector")}
    for some in _chunks(sorted(known.keys() - texts.keys())):
        kept.filter(term__in=some).delete()
    for some in _chunks([term for term in texts if term not in known]):
        made = encoder([texts[term] for term in some])
        TermVector.objects.bulk_create(
            [
                TermVector(catalog=catalog, encoder=key, term=term, vector=_packed(vector))
                for term, vector in zip(some, made, strict=True)
            ],
            ignore_conflicts=True,
        )
        known |= dict(zip(some, made.astype("<f2"), strict=True))
    return np.array([known[term] for term in texts], dtype=np.float32)


def _hashed(sentence: str) -> str:
    """What a sentence's vector is kept as; no word begins so."""
    return f"§{hashlib.sha256(sentence.encode()).hexdigest()}"


def _packed(vector: Vectors) -> bytes:
    return vector.astype("<f2").tobytes()


def _chunks(listed: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for first in range(0, len(listed), AT_ONCE):
        yield listed[first : first + AT_ONCE]
