"""How a scoring run is carried out: an LLM scores the first items of a backbone's lists, list by list, each stored.

In a training worker, or in the command `score_lists`; torch and openai are loaded where the run computes.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import transaction

from recommender.dataset.interactions import read_interactions
from recommender.dataset.named import codes_of
from recommender.dataset.split import TEST, VALID
from recommender.measures.scores import scores
from recommender.measures.thinkrec import thinkrec
from recommender.models import Catalog, EndUser, ScoredList, ScoringRun
from recommender.runs import leases
from recommender.runs.errors import CannotRunError
from recommender.runs.recorder import Recorder
from recommender.serving import backbone
from recommender.serving.request import request_for
from recommender.serving.rollout import active_in
from recommender.serving.types import CannotRankError
from recommender.thinkrec.ablation import left_out
from recommender.thinkrec.opinions import require_both
from recommender.thinkrec.prompts import Question, template_of
from recommender.thinkrec.scoring import lists, people, ratings
from recommender.thinkrec.scoring.config import DEFAULT_BASE, ScoringConfig, scorer_key, tuned_on
from recommender.thinkrec.scoring.held_out import HeldOut, held_out
from recommender.thinkrec.scoring.scored import Cost, Scales, Scored, Scorer
from recommender.thinkrec.scoring.tuned import Tuned, opened

if TYPE_CHECKING:
    from recommender.training.calibration import Calibration

MEASURED_AT = (1, 5, 10)
PER_END_USER = 20  # held-out ratings of one end user, at most


def carry_out(run: ScoringRun, recorder: Recorder) -> None:
    """Calibrate once, then score and store each list that this run has not made yet. Raises CannotRunError."""
    config = ScoringConfig.from_json(run.config)
    if config.top and active_in(run.catalog).version is None:
        raise CannotRunError(backbone.NO_BACKBONE)
    if config.held_out and (learnt := tuned_on(config)) and learnt != config.split:
        raise CannotRunError(
            f"The adapter was tuned on the train part of the split {learnt}, so opinions that are held out by "
            f"{config.split} may be known to it: score with the split {learnt}, or hold out none (held_out 0)."
        )
    require_known(run.catalog, config)
    recorder.at("reading", 0, 1)
    parts = None if "calibration" in run.metrics else _Parts.of(run.catalog, config)
    recorder.at("loading", 0, 1)
    tuned = opened(run.catalog, config)
    work = _Work(run, config, recorder, scorer_of(config, tuned), tuned)
    work.calibrate(parts)
    work.score_all()
    leases.finish(run, metrics=work.metrics)


def require_known(catalog: Catalog, config: ScoringConfig) -> None:
    """Raises CannotRunError where opinions are to be held out of a catalog that knows likes, or dislikes, alone."""
    if config.held_out:
        without = "With held_out 0 lists are scored all the same; their chances are then the model's own, uncalibrated."
        what = "holding opinions out to calibrate and to measure"
        require_both(catalog, what=what, otherwise=without if config.top else "")


@dataclass(frozen=True, slots=True)
class _Parts:
    """The ratings to calibrate on, and to measure on, of end users and items by number; their primary keys."""

    of_valid: Sequence[HeldOut]
    of_test: Sequence[HeldOut]
    items: Sequence[int]
    end_users: Sequence[int]

    @classmethod
    def of(cls, catalog: Catalog, config: ScoringConfig) -> "_Parts | None":
        """None where none are held out. Raises CannotRunError where the split leaves a part empty."""
        if not config.held_out:
            return None
        interactions = read_interactions(catalog)
        codes = codes_of(config.split, interactions, catalog.clock)
        valid, test = (
            held_out(interactions, codes, part, most=config.held_out, each=PER_END_USER, seed=config.seed)
            for part in (VALID, TEST)
        )
        return cls(valid, test, list(interactions.item_keys), list(interactions.end_user_keys))


def scorer_of(config: ScoringConfig, tuned: Tuned | None) -> Scorer:
    """Raises CannotRunError where the model cannot be loaded or asked."""
    if config.where == "endpoint":
        from recommender.thinkrec.scoring.endpoint import EndpointScorer  # noqa: PLC0415 - openai: only where LLMs are asked

        return EndpointScorer([name for name, _ in tuned.adapters], name=tuned.name) if tuned else EndpointScorer()
    from recommender.thinkrec.scoring import fused, scorer  # noqa: PLC0415 - torch: only where it computes

    if tuned:
        return fused.load(tuned, threads=config.threads)
    try:
        return scorer.load(config.base or DEFAULT_BASE, config.adapter, threads=config.threads)
    except (OSError, ValueError) as error:
        raise CannotRunError(f"The adapter {config.adapter!r} cannot be loaded. {error}") from error


class _Work:
    """One run under way. `metrics`: what its row is given, also when it is stopped in the midst."""

    def __init__(
        self, run: ScoringRun, config: ScoringConfig, recorder: Recorder, scorer: Scorer, tuned: Tuned | None
    ) -> None:
        self.run, self.config, self.recorder, self.scorer, self.tuned = run, config, recorder, scorer, tuned
        self.out = tuned.out if tuned else left_out(config.without)
        self.reasoning = 0 if "thinking" in self.out else config.reasoning
        template = template_of(self.question)
        self.metrics: dict[str, Any] = {"cost": {"lists": 0, "seconds": 0.0}} | self.run.metrics
        self.metrics |= {"model": self.scorer.name, "prompt": template.name, "prompt_hash": template.hash}
        self.metrics["without"] = sorted(self.out)
        if tuned:
            self.metrics["base"] = tuned.base
            self.metrics["adapters"] = [name for name, _ in tuned.adapters]
        self.metrics["scorer"] = scorer_key(config, model=self.scorer.name, prompt_hash=template.hash)

    @property
    def question(self) -> Question:
        return "reason" if self.reasoning else "score"

    @property
    def catalog(self) -> Catalog:
        return self.run.catalog

    def calibrate(self, parts: _Parts | None) -> None:
        """Fit on the valid part, measure on the test part; a run that goes on keeps what it had."""
        from recommender.training.calibration import Calibration, fit  # noqa: PLC0415 - torch

        if stored := self.metrics.get("calibration"):
            self.calibration = Calibration(**stored)
            return
        self.calibration = Calibration("none")
        if parts is not None:
            self.recorder.at("calibrating", 0, 2 * self.config.held_out)
            valid, test = (self._held_out(part, parts, n) for n, part in enumerate((parts.of_valid, parts.of_test)))
            self.calibration = fit(self.config.calibration, valid[0], valid[1])
            self.metrics["test"] = _measured(*test, self.calibration)
        self.metrics["calibration"] = self.calibration.to_json()
        leases.update(self.run, metrics=self.metrics)

    def _held_out(self, part: Sequence[HeldOut], of: _Parts, before: int) -> tuple[Any, Any, Any]:
        """Scores, likes and end users (n) of the ratings that got a score. `before`: how many parts were before."""
        items, end_users = of.items, of.end_users
        found: list[tuple[float, bool, int]] = []
        for one in part:
            said = self._answers(one, end_users[one.end_user], items)
            rated = zip([items[item] for item in one.items], one.liked.tolist(), strict=True)
            found += [(said[pk], liked, one.end_user) for pk, liked in rated if pk in said]
            self.recorder.at("calibrating", before * self.config.held_out + len(found), 2 * self.config.held_out)
        score, liked, end_user = (
            (np.array(column) for column in zip(*found, strict=True)) if found else [np.zeros(0)] * 3
        )
        return score, liked, end_user

    def _answers(self, one: HeldOut, end_user: int, items: Sequence[int]) -> dict[int, float]:
        """The scores of one end user's held-out ratings by item; only what is not stored yet is asked."""
        pks = [items[item] for item in one.items]
        said = ratings.stored(self.metrics["scorer"], end_user, one.as_of, pks)
        if asked := [pk for pk in pks if pk not in said]:
            history = [(items[item], liked) for item, liked in one.history]
            knowledge = people.preference_of(end_user, as_of=one.as_of) if self.config.preference else None
            text = knowledge.text if knowledge else ""
            places, prompts = people.questions(
                self.catalog,
                history,
                asked,
                preference=text,
                question=self.question,
                shows=self._shows(end_user),
            )
            values = zip(self._column(self._score(prompts, self._scales(end_user))).tolist(), places, strict=True)
            new = {asked[place]: value for value, place in values if not np.isnan(value)}
            with transaction.atomic():
                leases.update(self.run, metrics=self.metrics)
                if self.metrics["scorer"]:
                    ratings.store(self.run, self.metrics["scorer"], end_user, one.as_of, new)
            said |= new
        return said

    def score_all(self) -> None:
        """Every list that is not done, in an order that no id tells."""
        if not self.config.top:
            return
        with_history = self.catalog.end_users.filter(interactions__isnull=False).distinct()
        wanted = sorted(with_history.values_list("pk", flat=True))
        random.Random(self.config.seed).shuffle(wanted)  # noqa: S311 - a sample
        wanted = wanted[: self.config.sample or None]
        done = set(ScoredList.objects.filter(run=self.run).values_list("end_user_id", flat=True))
        waiting = [pk for pk in wanted if pk not in done]
        before, began = len(wanted) - len(waiting), time.monotonic()
        self.recorder.at("scoring", before, len(wanted))
        for made, pk in enumerate(waiting):
            end_user = EndUser.objects.select_related("catalog").filter(pk=pk).first()  # erased meanwhile: none
            if end_user is not None:
                self._make(end_user)
            left = (time.monotonic() - began) / (made + 1) * (len(waiting) - made - 1)
            self.recorder.progress["seconds_left"] = round(left)
            self.recorder.at("scoring", before + made + 1, len(wanted), self._so_far())

    def _so_far(self) -> str:
        return f"{self.metrics['cost'].get('read', 0):,} tokens read"

    def _make(self, end_user: EndUser) -> None:
        """Score one list and store it; where nothing can be said of somebody, there is none."""
        began = time.monotonic()
        request = replace(request_for(end_user, limit=self.config.top), answered=False)  # as before any answer
        try:
            ranked = backbone.rank(request, attribute=False)
        except CannotRankError:
            return
        knowledge = people.preference_of(end_user) if self.config.preference else None
        places, prompts = people.questions(
            self.catalog,
            [(past.item_pk, past.liked) for past in request.history],
            [int(request.index.pks[position]) for position, _ in ranked.best],
            preference=knowledge.text if knowledge else "",
            question=self.question,
            shows=self._shows(end_user.pk),
        )
        if not prompts or ranked.backbone is None:
            return
        scored = self._score(prompts, self._scales(end_user.pk))
        made = lists.scored_items(
            [request.index.external_ids[ranked.best[place][0]] for place in places],
            scored,
            self.calibration.probability(self._column(scored)),
            self._by_adapter(prompts),
        )
        acting = self.tuned.acting(self.tuned.choice(end_user.pk), mixed=scored.mixed) if self.tuned else None
        self.metrics["cost"]["lists"] += 1
        self.metrics["cost"]["seconds"] = round(self.metrics["cost"]["seconds"] + time.monotonic() - began, 3)
        with transaction.atomic():
            leases.update(self.run, metrics=self.metrics)
            lists.store(
                self.run,
                end_user,
                made,
                backbone=ranked.backbone,
                model=f"{self.scorer.name}{acting.label if acting else ''}",
                prompt=(self.metrics["prompt"], self.metrics["prompt_hash"]),
                history=request.known,
                knowledge=knowledge,
                with_preference=self.config.preference,
                experts=acting,
            )

    def _shows(self, end_user: int) -> people.Shows:
        """What prompts about the end user with this primary key show."""
        return self.tuned.shows(end_user) if self.tuned else people.Shows("keywords" not in self.out)

    def _scales(self, end_user: int) -> Scales:
        return self.tuned.choice(end_user).scales if self.tuned else ()

    def _by_adapter(self, prompts: list[Any]) -> list[Any]:
        """Scores (n) by each adapter alone, where that is asked for; groups without one of their own share it."""
        if self.tuned is None or not self.config.by_expert:
            return []
        names = [name for name, _ in self.tuned.adapters]
        alone = {name: [float(place == names.index(name)) for place in range(len(names))] for name in names}
        columns = {name: self._column(self._score(prompts, scales)) for name, scales in alone.items()}
        return [columns[name] for name in names]

    def _score(self, prompts: list[Any], scales: Scales) -> Scored:
        self.recorder.alive()
        scored = self.scorer.score(prompts, seconds=self.config.seconds, reasoning=self.reasoning, scales=scales)
        cost = self.metrics["cost"]
        cost |= asdict(Cost(*(cost.get(name, 0) for name in asdict(scored.cost))) + scored.cost)
        return scored

    def _column(self, scored: Scored) -> Any:
        return scored.yes if self.config.score == "yes" else scored.log_odds


def _measured(score: Any, liked: Any, end_user: Any, calibration: "Calibration") -> dict[str, Any]:
    """What the test part says: ThinkRec's measures, and those of probabilities before and after calibration."""
    if not len(score):
        return {}
    found: dict[str, Any] = scores(liked, calibration.probability(score), end_user).to_json()
    before = scores(liked, type(calibration)("none").probability(score), end_user)
    found["before"] = {"logloss": before.logloss, "ece": before.ece}
    for name, values in thinkrec(liked, score, end_user, at=MEASURED_AT).items():
        found[name] = float(np.nanmean(values)) if not np.isnan(values).all() else None
    return found
