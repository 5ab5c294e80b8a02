"""Freezing what is known, so that a backbone can say what it was trained on."""

import hashlib
import json

from django.db import transaction
from django.db.models import Max

from recommender.knowledge.encoder_choice import EncoderChoice
from recommender.models import Catalog, Knowledge, KnowledgeSnapshot


def freeze(catalog: Catalog, *, encoder: str) -> KnowledgeSnapshot:
    """The snapshot of all knowledge in force in a catalog, of every moment; the last one where nothing changed since.

    `encoder`: settings.ENCODER. An empty snapshot is a valid one.
    """
    key = encoder_key(encoder)
    with transaction.atomic():
        Catalog.objects.select_for_update().get(pk=catalog.pk)
        in_force = Knowledge.objects.filter(catalog=catalog, in_force=True)
        rows = list(in_force.select_related("end_user", "item").defer("text"))
        digest = hashlib.sha256()
        for row in sorted((k.item_id is not None, _subject(k), k.as_of, "+".join(k.text_hashes)) for k in rows):
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


def _subject(knowledge: Knowledge) -> str:
    subject = knowledge.item or knowledge.end_user
    assert subject is not None, "a database constraint gives knowledge one subject"
    return subject.external_id
