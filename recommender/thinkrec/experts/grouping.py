"""How a grouping is carried out: vectors of the train part, groups of them, and what tells these apart."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from recommender.dataset.interactions import Interactions, read_interactions
from recommender.dataset.named import codes_of
from recommender.dataset.split import TRAIN, Codes
from recommender.models import Catalog, Grouping, RunState
from recommender.progress import ESTIMATE_AFTER
from recommender.runs import leases
from recommender.runs.recorder import Recorder
from recommender.setting import SettingError
from recommender.thinkrec.experts import grouped
from recommender.thinkrec.experts.config import CannotGroupError, GroupingConfig, require_order
from recommender.thinkrec.experts.grouped import MOST_TRAITS, Found, Group, Grouped
from recommender.thinkrec.experts.groups import Groups, Labels, extended, group
from recommender.thinkrec.experts.traits import Trait, traits

if TYPE_CHECKING:
    from recommender.thinkrec.collaborative.base import FitSettings, Vectors


def carry_out(run: Grouping, recorder: Recorder) -> None:
    """Make the groups and store them. Raises CannotRunError, in words."""
    config = GroupingConfig.from_json(run.config)
    require_order(run.catalog.clock)
    before = earlier(run.catalog, config)
    _remove_left(run)
    recorder.at("reading", 0, 1)
    interactions = read_interactions(run.catalog)
    codes = codes_of(config.split, interactions, run.catalog.clock)
    vectors, valid = _fit(interactions, codes, fit_settings(config), recorder)
    recorder.progress.pop("left", None)
    recorder.at("grouping", 0, 1)
    known = vectors.end_user_known
    try:
        if before is not None:
            groups = extended(vectors.end_user[known], _labels(before, interactions)[known])
        else:
            everybody = np.ones(int(known.sum()), dtype=np.bool_)
            groups = group(
                vectors.end_user[known], everybody, method=config.method, number=config.groups, seed=config.seed
            )
    except ValueError as error:
        raise CannotGroupError(str(error)) from error
    found = Found(
        words=groups.words,
        groups=_described(interactions, codes, known, groups, run.catalog),
        silhouettes=groups.silhouettes,
        without=int((~known).sum()),
        valid=valid,
        data=interactions.hash(),
    )
    _store(run, found, _with_keys(interactions, vectors, groups))


def earlier(catalog: Catalog, config: GroupingConfig) -> Grouped | None:
    """What the grouping that is to be extended found; None where none is. Raises CannotGroupError."""
    if config.extends is None:
        return None
    found = catalog.groupings.filter(pk=config.extends, state=RunState.DONE).first()
    if found is None:
        raise CannotGroupError(f"{catalog} has no grouping {config.extends} that is done.")
    try:
        return grouped.load(found)
    except grouped.GroupingFilesError as error:
        raise CannotGroupError(str(error)) from error


def _labels(before: Grouped, interactions: Interactions) -> Labels:
    """The group of each end user by number; -1 for who was in none."""
    labels = np.full(len(interactions.end_users), -1, dtype=np.int64)
    for key, number in interactions.end_user_keys.items():
        if (row := before.row_of(key)) is not None:
            labels[number] = before.of[row]
    return labels


def fit_settings(config: GroupingConfig) -> "FitSettings":
    """The settings of the encoder's fit. Raises CannotGroupError for one that it does not have."""
    from recommender.thinkrec.collaborative.fit import MODELS  # noqa: PLC0415 - torch: where it computes only

    try:
        return MODELS[config.encoder][0].from_json({"seed": config.seed} | config.settings)
    except SettingError as error:
        raise CannotGroupError(str(error)) from error


def _fit(
    interactions: Interactions, codes: Codes, settings: "FitSettings", recorder: Recorder
) -> tuple["Vectors", dict[str, float | None]]:
    from recommender.thinkrec.collaborative.fit import fit  # noqa: PLC0415 - torch: where it computes only

    fitted = fit(interactions, codes, settings, alive=_counted(recorder, settings.epochs))
    return fitted.vectors, {name: getattr(fitted.valid, name) for name in ("auc", "gauc", "logloss")}


def _counted(recorder: Recorder, of: int) -> Callable[[], None]:
    """Shows each epoch; `left` in the run's progress: seconds that all further ones would take, once that is known."""
    begun, done = time.monotonic(), 0
    recorder.at("fitting", 0, of)

    def epoch_done() -> None:
        nonlocal done
        done += 1
        seconds = time.monotonic() - begun
        if seconds >= ESTIMATE_AFTER:
            recorder.progress["left"] = round((of - done) * seconds / done)
        recorder.at("fitting", done, of)

    return epoch_done


def _with_keys(interactions: Interactions, vectors: "Vectors", groups: Groups) -> Grouped:
    """By primary keys, so that nobody is named, and whoever is erased can be taken out."""
    people, of_person = _keys(interactions.end_user_keys, vectors.end_user_known)
    things, of_thing = _keys(interactions.item_keys, vectors.item_known)
    in_order = np.cumsum(vectors.end_user_known) - 1  # groups have those with a vector only
    return Grouped(
        people,
        vectors.end_user[of_person],
        groups.of[in_order[of_person]],
        things,
        vectors.item[of_thing],
        groups.experts,
    )


def _keys(keys: dict[int, int], known: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Primary keys, ascending, of what is known, and its numbers."""
    pairs = np.array(sorted((key, number) for key, number in keys.items() if known[number]), dtype=np.int64)
    return pairs.reshape(-1, 2)[:, 0], pairs.reshape(-1, 2)[:, 1]


def _described(
    interactions: Interactions, codes: Codes, known: NDArray[np.bool_], groups: Groups, catalog: Catalog
) -> tuple[Group, ...]:
    """Sizes and traits, from the likes of the train part."""
    likes = np.flatnonzero((codes == TRAIN) & (interactions.liked == 1))
    counts = np.bincount(interactions.end_user[likes], minlength=len(known))
    having: list[dict[str, int]] = [{} for _ in known]
    told = {number: name for number, name in enumerate(interactions.tokens, 1) if _is_told(name, catalog)}
    tokens = interactions.item_tokens[interactions.item[likes]]
    owner = np.repeat(interactions.end_user[likes].astype(np.int64), tokens.shape[1])
    pairs = np.stack([owner, tokens.ravel()])[:, np.isin(tokens.ravel(), list(told))]
    (owners, numbers), times = np.unique(pairs, axis=1, return_counts=True)
    for end_user, number, count in zip(owners.tolist(), numbers.tolist(), times.tolist(), strict=True):
        having[end_user][told[number]] = count
    rows = np.flatnonzero(known).tolist()
    found: list[list[Trait]] = traits(groups.of.tolist(), counts[rows].tolist(), [having[row] for row in rows])
    return tuple(Group(place + 1, size, tuple(found[place][:MOST_TRAITS])) for place, size in enumerate(groups.sizes))


def _is_told(token: str, catalog: Catalog) -> bool:
    """Whether a token is a value of an attribute that prompts show. Numbers lie in buckets, which have no words."""
    name, equals, _ = token.partition("=")
    return bool(equals) and (name in catalog.prompt_attributes or not catalog.prompt_attributes)


def _store(run: Grouping, found: Found, arrays: Grouped) -> None:
    """Raises StoppedError, with nothing stored, when the run is no longer ours."""
    path = grouped.new_file(run)
    sha256 = grouped.save(path, arrays)
    try:
        with transaction.atomic():
            artifact = f"{run.catalog.name}/{path.name}"
            leases.finish(run, artifact=artifact, sha256=sha256, found=found.to_json())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _remove_left(run: Grouping) -> None:
    """Files by a lost worker: this run has none yet."""
    left: list[Path] = [*grouped.folder_for(run.catalog).glob(f"{run.pk}-*")]
    for path in [*left, *grouped.folder_for(run.catalog).glob(f".{run.pk}-*")]:
        path.unlink(missing_ok=True)
