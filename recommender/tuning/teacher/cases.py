"""Examples for a teacher: evidence, and a later interaction as the target.

End users: R4ec's sliding windows, ten interactions and the one after them, the newest window first, windows that do not
overlap. Items: the evidence of an item round, and a third end user who met the item later. A target is never among the
last fifth of its end user's interactions, which the split `r4ec` tests on.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import count

from recommender.models import Catalog, EndUser, Interaction, Item, TeacherCase
from recommender.rounds import evidence
from recommender.rounds.evidence import COLUMNS, PAIR_HISTORY, Met, encounters, items_by_id
from recommender.rounds.trace_rows import TRAIN_SHARE
from recommender.tuning.teacher.triples import Triple

WINDOW = PAIR_HISTORY  # interactions shown: what R4ec's released data always have
FEWEST = 5  # interactions shown, in a short history
SUBJECTS_AT_ONCE = 200
TARGETS_TRIED = 10  # end users who met an item later


def of_end_users(catalog: Catalog) -> Iterator[TeacherCase]:
    """Unsaved cases, one window of every end user after the other. Cases that are there already are left out."""
    ids = list(EndUser.objects.filter(catalog=catalog).order_by("pk").values_list("pk", flat=True))
    for number in count():
        with_windows = []
        for chunk in _chunks(ids):
            windows = _windows(chunk, number)
            with_windows += [window[-1].end_user_id for window in windows]
            yield from _new(_end_user_cases(catalog, windows))
        if not with_windows:
            return
        ids = with_windows


def of_items(catalog: Catalog) -> Iterator[TeacherCase]:
    """Unsaved cases, one for each item that was met often enough. Cases that are there already are left out."""
    ids = list(Item.objects.filter(catalog=catalog).order_by("pk").values_list("pk", flat=True))
    for chunk in _chunks(ids):
        yield from _new(_item_cases(catalog, chunk))


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + SUBJECTS_AT_ONCE] for start in range(0, len(ids), SUBJECTS_AT_ONCE))


def _new(cases: list[TeacherCase]) -> list[TeacherCase]:
    known = TeacherCase.objects.filter(target__in=[case.target_id for case in cases])
    there = {(target, item is None) for target, item in known.values_list("target_id", "item_id")}
    return [case for case in cases if (case.target_id, case.item_id is None) not in there]


def _histories(end_user_ids: Collection[int]) -> dict[int, list[Met]]:
    """Whole histories, oldest first."""
    rows = Interaction.objects.filter(end_user_id__in=end_user_ids).with_liked().oldest_first().values_list(*COLUMNS)
    found: dict[int, list[Met]] = defaultdict(list)
    for columns in rows.iterator(chunk_size=10_000):
        met = Met(*columns)
        found[met.end_user_id].append(met)
    return found


def _before(history: Sequence[Met], place: int) -> list[Met] | None:
    """The window before the interaction at `place`; None where it may not be a target."""
    if place >= int(TRAIN_SHARE * len(history)) or history[place].liked is None:
        return None
    shown = [met for met in history[:place] if met.moment < history[place].moment][-WINDOW:]
    return shown if len(shown) >= FEWEST else None


def _windows(end_user_ids: Sequence[int], number: int) -> list[list[Met]]:
    """Of each end user the `number`-th newest window, its target last."""
    found = []
    for _, history in sorted(_histories(end_user_ids).items()):
        place = int(TRAIN_SHARE * len(history)) - 1 - number * WINDOW
        while place > FEWEST and history[place].liked is None:
            place -= 1
        if place >= FEWEST and (shown := _before(history, place)):
            found.append([*shown, history[place]])
    return found


def _end_user_cases(catalog: Catalog, windows: list[list[Met]]) -> list[TeacherCase]:
    items = items_by_id(catalog, (met.item_id for window in windows for met in window))
    cases = []
    for *shown, target in windows:
        subject = evidence.subject_of(catalog, "end_user", history=encounters(shown, items, catalog))
        item = items[target.item_id]
        triple = Triple(subject, target_title=item.title, target_attributes=evidence.shown_attributes(item, catalog))
        cases.append(_case(catalog, target, triple, as_of=target.moment, end_user_id=target.end_user_id))
    return cases


def _item_cases(catalog: Catalog, ids: Sequence[int]) -> list[TeacherCase]:
    found = {one.subject_id: one for one in evidence.of_items(catalog, ids)}
    shown = {
        encounter.interaction_id
        for one in found.values()
        for history in (one.subject.liker, one.subject.disliker)
        for encounter in history[-1:]
        if encounter.interaction_id is not None
    }
    pairs = set(Interaction.objects.filter(pk__in=shown).values_list("item_id", "end_user_id"))
    tried: dict[int, list[Met]] = defaultdict(list)
    met_later = Interaction.objects.filter(item_id__in=ids).with_liked().oldest_first().values_list(*COLUMNS)
    for columns in met_later.iterator(chunk_size=10_000):
        met = Met(*columns)
        if met.item_id not in found or (met.item_id, met.end_user_id) in pairs:
            continue
        if met.moment >= found[met.item_id].as_of and len(tried[met.item_id]) < TARGETS_TRIED:
            tried[met.item_id].append(met)
    histories = _histories({met.end_user_id for mets in tried.values() for met in mets})
    chosen: dict[int, tuple[Met, list[Met]]] = {}
    for id_, mets in tried.items():
        for met in mets:
            history = histories[met.end_user_id]
            if id_ not in chosen and (before := _before(history, history.index(met))):
                chosen[id_] = (met, before)
    items = items_by_id(catalog, (met.item_id for _, before in chosen.values() for met in before))
    return [
        _case(
            catalog,
            target,
            Triple(found[id_].subject, target_history=encounters(before, items, catalog)),
            as_of=found[id_].as_of,
            item_id=id_,
        )
        for id_, (target, before) in sorted(chosen.items())
    ]


def _case(catalog: Catalog, target: Met, triple: Triple, *, as_of: int, **subject: int) -> TeacherCase:
    return TeacherCase(
        catalog=catalog,
        target_id=target.id,
        as_of=as_of,
        triple=triple.to_json(),
        label=bool(target.liked),
        **subject,
    )
