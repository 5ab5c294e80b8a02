"""What the claims of end users' texts say of films, when they are held against them at once and nothing is learned.

A text's claims are what the demonstration's reader finds that the end user likes (+1) or avoids (-1): genres,
directors, countries, decades. Each becomes a phrase ("horror movies"), and so does each fact about a film; the *match*
of an end user and a film is, for each of the four kinds, the cosine of the summed, signed phrases with the film's, by
the product's own encoder. The four are added to the logit of the model without knowledge, with weights fitted on the
test rows of four fifths of the end users and used for the other fifth, five times. No claim is newer than its round's
moment, which is before every test row.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.planted import NOUN, About, Planted, judged
from recommender.encoders import MINILM
from recommender.evaluation import statistics
from recommender.evaluation.bootstrap import draw, of_draws
from recommender.sample.truth import Taste
from recommender.selectors.proposals import Known, as_proposed, in_force
from recommender.training import data, encoder
from recommender.training.split import TEST, split
from worker.endpoint.demonstration.features import Feature

KINDS = ("genres", "director", "country", "decade")
FOLDS = 5
METRICS = ("auc", "gauc")
Claims = Mapping[str, Mapping[Feature, int]]  # user_id → feature → +1 or -1


def of_stage(planted: Planted, catalog: Any, stage: str) -> Claims:
    """`stage`: 0, 1, 2, human, or truth: the planted taste itself, without its rules."""
    if stage == "truth":
        return {name: _planted(taste) for name, taste in planted.tastes.items()}
    names = dict(catalog.end_users.values_list("pk", "external_id"))
    texts = in_force(catalog) if stage == "human" else as_proposed(catalog, refinements=int(stage))
    return {
        names[one.end_user_id]: _said(planted, names[one.end_user_id], one)
        for one in texts
        if one.end_user_id is not None
    }


def _planted(taste: Taste) -> dict[Feature, int]:
    decades = {year // 10 * 10 for year in range(*taste.era)}
    liked = [Feature("director", taste.director), *(Feature("decade", f"{decade}s") for decade in sorted(decades))]
    return {Feature("genres", name): -1 for name in taste.avoids} | dict.fromkeys(
        [*(Feature("genres", name) for name in taste.loves), *liked], 1
    )


def _said(planted: Planted, name: str, one: Known) -> dict[Feature, int]:
    found = judged(planted, About(user_id=name), one.texts[0], one.evidence)
    return {said.feature: said.stance for said in (*found.true, *found.false) if said.stance}


def gains(planted: Planted, catalog: Any, stages: Sequence[str], base: Mapping[str, Any]) -> dict[str, Any]:
    """By stage and history: the match alone, and what it adds to `base`, (seeds, m) test probabilities by history.

    `of others`: the same with everybody's claims dealt to the next end user. Intervals: 95 %, over end users.
    """
    interactions = data.read(catalog)
    codes = split("r4ec", interactions.end_user, interactions.liked, moment=interactions.moment, only_order=False)
    rows = np.flatnonzero(codes == TEST)
    end_user, item, label = interactions.end_user[rows], interactions.item[rows], interactions.liked[rows]
    known = sorted({f for own in planted.features.values() for f in own})
    meaning = dict(zip(known, _encoded([feature.phrase(NOUN) for feature in known]), strict=True))
    width = len(meaning[known[0]])
    films = {kind: np.zeros((len(interactions.items), width)) for kind in KINDS}
    for place, name in enumerate(interactions.items):
        for feature in sorted(planted.features[name]):
            films[feature.attribute][place] += meaning[feature]
    films = {kind: _unit(rows - rows.mean(axis=0)) for kind, rows in films.items()}  # less what all have in common

    def match(claims: Claims, names: Sequence[str]) -> Any:
        """(m, kinds)."""
        people = {kind: np.zeros((len(names), width)) for kind in KINDS}
        for place, name in enumerate(names):
            for feature, stance in claims.get(name, {}).items():
                if feature in meaning:
                    people[feature.attribute][place] += stance * meaning[feature]
        return np.column_stack([np.sum(_unit(people[kind])[end_user] * films[kind][item], axis=1) for kind in KINDS])

    def added(logit: Any, matched: Any) -> Any:
        columns = np.column_stack([logit, matched])
        made = np.empty(len(rows))
        for fold in range(FOLDS):
            own = end_user % FOLDS == fold
            fitted = LogisticRegression(C=100.0).fit(columns[~own], label[~own])
            made[own] = fitted.predict_proba(columns[own])[:, 1]
        return made

    def drawn(values: Any) -> dict[str, Any]:
        return {metric: draw(statistics.of(metric, label, values, end_user)) for metric in METRICS}

    def said(one: Any, other: Any = None) -> list[float]:
        found = of_draws([one], against=None if other is None else [other])
        return [round(value, 4) for value in (found.estimate, found.low, found.high)]

    others = [*interactions.end_users[1:], interactions.end_users[0]]
    table: dict[str, Any] = {}
    for stage in stages:
        claims = of_stage(planted, catalog, stage)
        own, theirs = match(claims, interactions.end_users), match(claims, others)
        alone = drawn(added(np.zeros(len(rows)), own))
        table[stage] = {"claims": sum(map(len, claims.values()))}
        for history, probability in base.items():
            mean = np.clip(np.mean(probability, axis=0), 1e-6, 1 - 1e-6)
            logit = np.log(mean / (1 - mean))
            without, with_own, with_theirs = (drawn(added(logit, m)) for m in (np.zeros_like(own), own, theirs))
            for metric in METRICS:
                table[stage][f"{history} {metric}"] = {
                    "match alone": said(alone[metric]),
                    "value": said(with_own[metric]),
                    "over base": said(with_own[metric], without[metric]),
                    "over others'": said(with_own[metric], with_theirs[metric]),
                }
    return table


def _encoded(texts: Sequence[str]) -> Any:
    made = encoder.load(MINILM).encode(list(texts), done=lambda _: None).astype(np.float64)
    return _unit(made)


def _unit(rows: Any) -> Any:
    """Rows of length one; zeros stay zeros."""
    size = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(size > 0, size, 1.0)
