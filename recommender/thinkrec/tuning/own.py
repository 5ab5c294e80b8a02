"""What a catalog has itself for a tuning run: vectors and groups of its newest grouping, and traces people approved."""

import json
from pathlib import Path

import numpy as np
from django.db.models import Manager
from numpy.typing import NDArray

from recommender.models import Catalog, EndUser, Grouping, Interaction, Item, Strategy
from recommender.rounds import approved
from recommender.rounds.core.types import Subject
from recommender.rounds.purposes import TAGS
from recommender.thinkrec.experts import grouped
from recommender.thinkrec.tuning.config import CannotTuneThinkrecError
from recommender.thinkrec.tuning.service import GROUPS_OF, TRACES, VECTORS


def newest_grouping(catalog: Catalog) -> Grouping:
    """Raises CannotTuneThinkrecError where there is none."""
    grouping = grouped.newest(catalog)
    if grouping is None:
        raise CannotTuneThinkrecError(
            f"{catalog} has no groups yet: `manage.py group_end_users {catalog.name}` makes them."
        )
    return grouping


def grouping_files(grouping: Grouping, folder: Path) -> dict[str, Path]:
    """Write a grouping's vectors and groups, as `service.request` takes them. A group is called by its number.

    Raises CannotTuneThinkrecError where its file is missing.
    """
    catalog = grouping.catalog
    try:
        found = grouped.load(grouping)
    except grouped.GroupingFilesError as error:
        raise CannotTuneThinkrecError(str(error)) from error
    end_users, items = _names(catalog.end_users, found.end_users), _names(catalog.items, found.items)
    files = {VECTORS: folder / VECTORS, GROUPS_OF: folder / GROUPS_OF}
    np.savez(
        files[VECTORS],
        end_users=np.array(end_users, dtype=str),
        end_user_vectors=found.vectors,
        items=np.array(items, dtype=str),
        item_vectors=found.item_vectors,
    )
    groups = {name: grouped.adapter_group(number) for name, number in zip(end_users, found.of.tolist(), strict=True)}
    files[GROUPS_OF].write_text(json.dumps(groups), encoding="utf-8")
    return files


def _names(table: Manager[EndUser] | Manager[Item], pks: NDArray[np.int64]) -> list[str]:
    """External ids in the order of these primary keys; an erasure takes rows and vectors away together."""
    known = dict(table.values_list("pk", "external_id"))
    return [known[pk] for pk in pks.tolist()]


def trace_file(catalog: Catalog, folder: Path) -> dict[str, Path]:
    """Write the approved traces, but for those set apart for tests. Raises CannotTuneThinkrecError where none is."""
    turns = approved.texts(Strategy.TRACE).filter(round__catalog=catalog, round__held_out=False).order_by("pk")
    about = {turn: Subject.from_json(turn.round.evidence).asked for turn in turns.select_related("round")}
    met = Interaction.objects.select_related("item", "end_user").in_bulk(
        [asked[0].interaction_id for asked in about.values() if asked and asked[0].interaction_id]
    )
    lines = []
    for turn, asked in about.items():
        row = met.get(asked[0].interaction_id or 0) if asked else None
        if row is not None:
            told = {"end_user": row.end_user.external_id, "item": row.item.external_id, "moment": row.moment}
            lines.append(json.dumps(told | {"answer": turn.text, "tag": TAGS[turn.kind]}, ensure_ascii=False))
    if not lines:
        raise CannotTuneThinkrecError(f"Nobody has approved a trace of {catalog} yet.")
    (folder / TRACES).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {TRACES: folder / TRACES}
