"""Freezing what is known, so that a backbone can say what it was trained on."""

import hashlib
import json

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q

from recommender.encoders import EncoderChoice
from recommender.models import Catalog, Knowledge, KnowledgeSnapshot


def freeze(catalog: Catalog, *, encoder: str) -> KnowledgeSnapshot:
    """The snapshot of all accepted knowledge of a catalog; the last one where nothing changed since.

    It holds what is in force and, for interactions from before that, the texts it replaced that have an earlier as_of.
    Rejected texts are not in it. `encoder`: settings.ENCODER. An empty snapshot is a valid one.
    """
    key = encoder_key(encoder)
    with transaction.atomic():
        Catalog.objects.select_for_update().get(pk=catalog.pk)
        rows = _accepted(catalog)
        digest = hashlib.sha256()
        for row in sorted((k.item_id is not None, _subject(k), k.as_of, k.text_hash) for k in rows):
            digest.update(json.dumps(row).encode())
        same = catalog.snapshots.filter(content_hash=digest.hexdigest(), encoder=key)
        if last := same.order_by("-number").first():
            return last
        number = catalog.snapshots.aggregate(last=Max("number"))["last"] or 0
        snapshot = KnowledgeSnapshot.objects.create(
            catalog=catalog,
            number=number + 1,
            encoder=key,
            content_hash=digest.hexdigest(),
            end_user_count=len({k.end_user_id for k in rows if k.end_user_id}),
            item_count=len({k.item_id for k in rows if k.item_id}),
        )
        snapshot.knowledge.set(rows)
    return snapshot


def encoder_key(encoder: str) -> str:
    """What an encoder's vectors are kept under, by its name and the other R4_ENCODER_ settings."""
    return EncoderChoice.named(encoder).key()


def _accepted(catalog: Catalog) -> list[Knowledge]:
    of_subject = Knowledge.objects.filter(
        Q(end_user=OuterRef("end_user")) | Q(item=OuterRef("item")), as_of__gt=OuterRef("as_of"), in_force=True
    )
    # `services.knowledge.accept` ends a text at the very moment its successor is accepted; a rejected one has none.
    successor = Knowledge.objects.filter(
        Q(end_user=OuterRef("end_user")) | Q(item=OuterRef("item")), accepted_at=OuterRef("ended_at")
    )
    rows = (
        Knowledge.objects.filter(catalog=catalog)
        .filter(Q(in_force=True) | (Exists(of_subject) & Exists(successor)))
        .exclude(turn__round__rejected_index=F("turn__index"))  # replaced first, and rejected later
        .select_related("end_user", "item")
        .order_by(F("in_force").desc(), "-accepted_at", "-pk")
    )
    chosen: dict[tuple[int | None, int | None, int], Knowledge] = {}
    for row in rows.defer("text"):
        chosen.setdefault((row.end_user_id, row.item_id, row.as_of), row)  # of several as of one moment, the newest
    return list(chosen.values())


def _subject(knowledge: Knowledge) -> str:
    subject = knowledge.item or knowledge.end_user
    assert subject is not None, "a database constraint gives knowledge one subject"
    return subject.external_id
