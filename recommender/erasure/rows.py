"""What becomes of rows when their subject is erased: each table's own rule. Call it inside a transaction.

Turns, decisions, calls and lists are append-only: they stay, without text, hash, evidence and items. Everything else
goes. tests/recommender/erasure/test_everywhere.py looks through every table, and fails for a table it does not know.
"""

import json
from collections.abc import Collection
from typing import Any

from django.apps import apps
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone

from recommender.accounts import idempotency
from recommender.erasure import traces
from recommender.erasure.traces import Subject
from recommender.knowledge import meanings
from recommender.models import (
    Catalog,
    Dispute,
    Event,
    ImpactReceipt,
    Item,
    Knowledge,
    KnowledgeVector,
    LlmCall,
    Recommendation,
    RestReason,
    Round,
    RoundState,
    Rule,
    ScoredList,
    ScoredRating,
    Statement,
    TeacherCase,
    Turn,
    WatchedList,
    WebhookMessage,
)
from recommender.rounds import evidence
from recommender.webhooks import outbox

NOTHING_SAID: dict[str, Any] = {"messages": [], "answer": "", "error": "", "request_id": ""}
NUMBERS = ("version", "turns")  # of what an annotator saw
VECTORS_AT_ONCE = 500


def lock(subject: Subject) -> None:
    """In the order of decisions: reviews, rounds, the subject. The catalog is locked already."""
    theirs = traces.about(subject, "round__")
    for rows in (_reviews().filter(theirs), Round.objects.filter(traces.about(subject))):
        list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
    type(subject).with_erased.select_for_update().get(pk=subject.pk)


def clear(subject: Subject, *, interactions: Collection[int], rounds: Collection[int], cases: Collection[int]) -> Any:
    """Clear all that is about the subject, and of `rounds` and `cases` (by number) what shows `interactions`.

    Returns how many there were, by what pages call them. Doing so again clears what came since.
    """
    catalog = subject.catalog
    counts = {
        "ratings": traces.interactions_of(subject).count(),
        "vectors": forget_vectors(traces.hashes(traces.texts_about(subject))),
        "texts about others that showed them": _redact(rounds, interactions),
        "examples of the teacher": len(cases),
    }
    TeacherCase.objects.filter(pk__in=cases).delete()
    own = Round.objects.filter(traces.about(subject))
    counts |= _clear_rounds(own, catalog, kind=traces.kind_of(subject))
    approved = Knowledge.objects.filter(traces.about(subject))
    counts["approved texts"] = approved.count()
    counts["messages to webhooks"] = _clear_messages(subject)
    outbox.revoked(list(approved.filter(in_force=True).order_by("pk")), cause="erased")
    approved.delete()
    if isinstance(subject, Item):
        counts["statements"] += _clear_namings(subject)
        counts["business rules"] = Rule.objects.filter(item=subject).delete()[0]
    else:
        counts["disputes"] += Dispute.objects.filter(end_user=subject).delete()[0]
        counts["statements"] += _delete(Statement.objects.filter(end_user=subject))
        WatchedList.objects.filter(end_user=subject).delete()  # what was counted of it is a sum
    counts["served lists"] = _clear_lists(subject)
    counts["events"] = Event.objects.filter(traces.about(subject)).delete()[0]
    idempotency.forget()  # an answer may name whom it was about
    meanings.forget(catalog, texts=isinstance(subject, Item))  # of what is left they are found again
    counts["lists scored by an AI"] = _clear_scored_lists(subject)
    counts["answers of an AI about ratings"] = ScoredRating.objects.filter(traces.about(subject)).delete()[0]
    counts["entries in reports on models"] = _clear_receipts(subject)
    traces.interactions_of(subject).delete()
    return counts


def _clear_rounds(own: QuerySet[Round], catalog: Catalog, *, kind: str) -> dict[str, int]:
    now = timezone.now()
    turns, calls = Turn.objects.filter(round__in=own), LlmCall.objects.filter(round__in=own)
    reviews = _reviews().filter(round__in=own)
    decisions = table("reviews.Decision").filter(review__round__in=own)
    counts = {
        "texts and notes": turns.exclude(text="").count(),
        "questions to the AI": calls.exclude(messages=[]).count(),
        "decisions": decisions.exclude(review__round__rest_reason=RestReason.ERASED).count(),
    }
    counts["disputes"] = Dispute.objects.filter(turn__in=turns).delete()[0]
    counts["statements"] = _delete(Statement.objects.filter(turn__in=turns))
    turns.update(text="", text_hash="", listed=None)
    calls.update(**NOTHING_SAID)
    decided = list(decisions.only("seen", "reason", "effects"))
    for decision in decided:
        decision.reason, decision.effects = "", {}  # without effects it cannot be undone
        decision.seen = {name: decision.seen[name] for name in NUMBERS if name in decision.seen}
    decisions.bulk_update(decided, ["reason", "seen", "effects"], batch_size=traces.ROWS_AT_ONCE)
    table("reviews.Undone").filter(review__round__in=own).update(text="", reason="", seen={})
    table("reviews.Unsent").filter(review__round__in=own).delete()
    table("reviews.Skip").filter(review__round__in=own).delete()
    table("reviews.Slot").filter(review__round__in=own).update(leased_by=None, lease_token="", lease_expires_at=None)
    standing = list(reviews.exclude(round__rest_reason=RestReason.ERASED))
    for review in standing:
        review.state, review.closed_at, review.version = "done", review.closed_at or now, review.version + 1
        review.concern, review.concern_words, review.findings = 0, "", []
        review.place = review.place_now()
    written = ["state", "closed_at", "version", "concern", "concern_words", "findings", "place"]
    reviews.bulk_update(standing, written, batch_size=traces.ROWS_AT_ONCE)
    own.update(
        evidence=evidence.subject_of(catalog, kind).to_json(),  # type: ignore[arg-type] # SubjectKind's values
        state=RoundState.RESTING,
        rest_reason=RestReason.ERASED,
        rested_at=Coalesce("rested_at", now),
        redacted_at=Coalesce("redacted_at", now),
        error="",
        approved_index=None,
        lease_token="",
        lease_expires_at=None,
    )
    return counts


def _clear_messages(subject: Subject) -> int:
    """With their deliveries, and what receivers answered, which may repeat them. What was sent is with its receiver."""
    messages = WebhookMessage.objects.filter(traces.about(subject))
    found = messages.count()
    messages.delete()
    return found


def _clear_namings(item: Item) -> int:
    """Statements about this item's title: of texts about others, which stay, as evidence rules say, and of others."""
    of_catalog = Q(turn__round__catalog=item.catalog) | Q(end_user__catalog=item.catalog)
    naming = Statement.objects.filter(of_catalog, key__contains=f"title={item.external_id}")
    facet = {"kind": "title", "name": "", "value": item.external_id}
    return _delete(Statement.objects.filter(pk__in=[one.pk for one in naming if facet in one.aspect]))


def _delete(statements: QuerySet[Statement]) -> int:
    """With what they replaced or were replaced by: rows that name each other are let go first."""
    gone = list(statements.values_list("pk", flat=True))
    Statement.objects.filter(replaces__in=gone).update(replaces=None)
    return Statement.objects.filter(pk__in=gone).delete()[0]


def _redact(rounds: Collection[int], interactions: Collection[int]) -> int:
    """Rounds about others: their evidence without these interactions, their calls without words. Texts stay.

    One that a worker is at goes back: its next question shows what is left.
    """
    now = timezone.now()
    of_others = Round.objects.filter(pk__in=rounds).select_for_update(of=("self",)).order_by("pk")
    redacted = 0
    for round_ in of_others:
        if not traces.shows(round_.evidence, interactions):
            continue
        round_.evidence, round_.redacted_at = traces.without(round_.evidence, interactions), now
        if round_.state == RoundState.ASKING:
            round_.state, round_.lease_token, round_.lease_expires_at = RoundState.WAITING, "", None
        round_.save(update_fields=["evidence", "redacted_at", "state", "lease_token", "lease_expires_at"])
        redacted += 1
    calls = LlmCall.objects.filter(round__in=rounds)
    calls.filter(turn=None).update(**NOTHING_SAID, error_kind="erased")  # it will become no turn
    calls.update(**NOTHING_SAID)
    return redacted


def _clear_lists(subject: Subject) -> int:
    lists = Recommendation.objects.filter(catalog=subject.catalog)
    if isinstance(subject, Item):
        return _take_out(subject, lists)
    lists = lists.filter(end_user=subject)
    found = lists.exclude(items=[]).count()
    lists.update(items=[], about={}, degraded_reason="")
    return found


def _clear_scored_lists(subject: Subject) -> int:
    """What an AI reasoned about an item for others goes with the item."""
    lists = ScoredList.objects.filter(catalog=subject.catalog)
    if isinstance(subject, Item):
        return _take_out(subject, lists)
    return lists.filter(end_user=subject).delete()[0]


def _take_out(item: Item, lists: QuerySet[Any]) -> int:
    """Take an item out of the `items` of lists; returns of how many."""
    name = item.external_id
    # One database keeps JSON as it was written, in ASCII, the other as text.
    with_it = lists.annotate(written=Cast("items", TextField())).filter(
        Q(written__contains=json.dumps(name)) | Q(written__contains=json.dumps(name, ensure_ascii=False))
    )
    changed = []
    for row in with_it.only("items").iterator(chunk_size=traces.ROWS_AT_ONCE):
        kept = [_unnamed(one, name) for one in row.items if one["item_id"] != name]
        if kept != row.items:
            row.items = kept
            changed.append(row)
    lists.model._default_manager.bulk_update(changed, ["items"], batch_size=traces.ROWS_AT_ONCE)
    return len(changed)


def _unnamed(entry: dict[str, Any], name: str) -> dict[str, Any]:
    """An entry of a list without the reasons that name the item."""
    if "reasons" not in entry:
        return entry
    return entry | {"reasons": [reason for reason in entry["reasons"] if reason.get("item_id") != name]}


def _clear_receipts(subject: Subject) -> int:
    """Impact receipts name the end users whose lists changed most, and which items came and went."""
    name, changed = subject.external_id, 0
    for receipt in ImpactReceipt.objects.filter(version__catalog=subject.catalog):
        lists = receipt.content.get("lists") or {}
        before = lists.get("biggest", [])
        if isinstance(subject, Item):
            after = [
                one | {side: [item for item in one[side] if item != name] for side in ("entered", "left")}
                for one in before
            ]
        else:
            after = [one for one in before if one["user_id"] != name]
        if after != before:
            lists["biggest"] = after
            receipt.save(update_fields=["content"])
            changed += 1
    return changed


def forget_vectors(hashes: Collection[str]) -> int:
    """Whoever else has the same text has it encoded again when it is next needed."""
    listed, gone = sorted(hashes), 0
    for first in range(0, len(listed), VECTORS_AT_ONCE):
        some = KnowledgeVector.objects.filter(text_hash__in=listed[first : first + VECTORS_AT_ONCE])
        gone += some.delete()[0]
    return gone


def _reviews() -> Any:
    return table("reviews.Review")


def table(label: str) -> Any:
    """Rows of a table above this package, by its name: data reaches upward, imports do not."""
    return apps.get_model(label)._default_manager.all()
