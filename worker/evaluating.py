"""How an evaluation of ThinkRec is carried out: block by block, each kept at once, so that it goes on where it stopped.

In a training worker, or in the command `evaluate_thinkrec`; torch and openai are loaded where the run computes.
"""

import hashlib
import json
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from recommender.artifacts.ranker import ArtifactError
from recommender.dataset.interactions import Interactions, read_interactions
from recommender.dataset.named import codes_of, parsed, spelled
from recommender.dataset.split import PARTS, TRAIN, Codes
from recommender.knowledge.encoder_choice import MINILM
from recommender.llm.types import Prompt
from recommender.measures.texts import Encode
from recommender.models import BackboneVersion, EndUser, RunState, ScoringRun, ThinkrecRun, VersionState
from recommender.promotion.streaming import Streaming
from recommender.recipe import TrainConfig
from recommender.runs import leases
from recommender.runs.errors import CannotRunError
from recommender.runs.recorder import Recorder
from recommender.thinkrec.ablation import PARTS as PARTS_OF_THINKREC
from recommender.thinkrec.ablation import left_out
from recommender.thinkrec.blocks import Block, Rows, blocks
from recommender.thinkrec.evaluation import explanations
from recommender.thinkrec.evaluation.config import EvaluationConfig
from recommender.thinkrec.evaluation.figures import BACKBONE, LLM, figures, of_texts
from recommender.thinkrec.evaluation.kept import Kept
from recommender.thinkrec.evaluation.rows import about, chosen, prompts_of, warm_and_cold
from recommender.thinkrec.prompts import Described, Person, asked, template_of
from recommender.thinkrec.scoring.people import TEXT, Shows
from recommender.thinkrec.scoring.scored import Cost, Scales, Scorer
from recommender.thinkrec.scoring.tuned import Tuned, has_experts, has_vectors, opened
from recommender.thinkrec.tuning.rows import shown_items
from worker.scoring import scorer_of

LIST, LISTS = 20, 3  # items of a list, and lists that are timed
OWN = {"experts": has_experts, "vectors": has_vectors}


def carry_out(run: ScoringRun, recorder: Recorder) -> None:
    """Score what is not scored yet, then store the figures. Raises CannotRunError."""
    config = EvaluationConfig.from_json(run.config)
    recorder.at("reading", 0, 1)
    ratings = _ratings(run, config)
    recorder.at("loading", 0, 1)
    tuned = _tuned(run, config)
    work = _Work(run, config, recorder, ratings, scorer_of(config.scoring, tuned), tuned)
    work.rate()
    work.explain()
    metrics = work.metrics()
    leases.finish(run, metrics=metrics)
    work.kept.remove()


@dataclass(frozen=True, slots=True)
class _Ratings:
    """What is scored: `rows` of the interactions, ascending. `beside`: the active version on them, or why not."""

    interactions: Interactions
    codes: Codes
    rows: Rows
    version: BackboneVersion | None
    beside: Streaming | None
    why_alone: str
    left_out: int  # rows that the version's texts know too much of


def _tuned(run: ScoringRun, config: EvaluationConfig) -> Tuned | None:
    """What a tuning made; on another catalog than it learnt from without what is about its own users and items."""
    found = ThinkrecRun.objects.select_related("catalog").filter(pk=config.tuned or 0, state=RunState.DONE).first()
    if found is None or found.catalog_id == run.catalog_id:
        return opened(run.catalog, config.scoring)
    out = left_out(found.config.get("without", ()), config.without)
    tuned = Tuned(found, out | _of_its_own(found), None)
    tuned.require_weights()
    return tuned


def _of_its_own(run: ThinkrecRun) -> frozenset[str]:
    """The parts of what was tuned that are about the end users and items of its catalog."""
    nothing: frozenset[str] = frozenset()
    return frozenset(name for name, has in OWN.items() if has(run, nothing))


def _ratings(run: ScoringRun, config: EvaluationConfig) -> _Ratings:
    interactions = read_interactions(run.catalog)
    codes = codes_of(config.split, interactions, run.catalog.clock)
    rows = chosen(interactions, np.flatnonzero(codes == PARTS[config.part]), most=config.rows, seed=config.seed)
    if not len(rows):
        raise CannotRunError(
            f"The {config.part} part of the split {config.split} has nothing that is known to be liked or not."
        )
    version, why = _version(run, config)
    try:
        beside = Streaming(version, interactions, codes, rows) if version else None
    except ArtifactError as error:
        beside, why = None, f"The active model cannot be used: {error}"
    kept = rows if beside is None else rows[~beside.leaking[rows]]
    if not len(kept):
        raise CannotRunError("The texts of the active model know too much of all of these opinions: choose other ones.")
    return _Ratings(interactions, codes, kept, version, beside, why, len(rows) - len(kept))


def _version(run: ScoringRun, config: EvaluationConfig) -> tuple[BackboneVersion | None, str]:
    """The active version where it never learnt from the part, or why there is none."""
    versions = BackboneVersion.objects.select_related("snapshot", "catalog")
    version = versions.filter(catalog=run.catalog, state=VersionState.ACTIVE).first()
    if version is None:
        return None, "No model is active, so the LLM stands alone."
    recipe = TrainConfig.from_json(version.config)
    if spelled(recipe.split, recipe.cuts) != config.split or (recipe.split == "kar" and recipe.fold):
        name, (valid_from, test_from) = parsed(config.split)
        moments = f" --valid-from {valid_from} --test-from {test_from}" if name == "given" else ""
        beside = f"train_backbone {run.catalog.name} --split {name}{moments} --activate"
        return None, (
            f"The active model was trained on the split {recipe.split_in_words} and may know these opinions: it is "
            f"left out. To see both beside each other, train one on this split: `{beside}`."
        )
    return version, ""


class _Work:
    """One evaluation under way."""

    def __init__(
        self,
        run: ScoringRun,
        config: EvaluationConfig,
        recorder: Recorder,
        ratings: _Ratings,
        scorer: Scorer,
        tuned: Tuned | None,
    ) -> None:
        self.run, self.config, self.recorder, self.ratings, self.scorer = run, config, recorder, ratings, scorer
        self.tuned, self.template = tuned, template_of("score")
        out = tuned.out if tuned else left_out(config.without)
        shown = shown_items(run.catalog, keywords="keywords" not in out)
        interactions = ratings.interactions
        self.items = [shown[name] for name in interactions.items]  # in the order of their numbers, as are both keys
        self.pks, self.people = list(interactions.item_keys), list(interactions.end_user_keys)
        self.kept = Kept(run, self._about())

    def rate(self) -> None:
        """Score every row that no line has."""
        done = {key for line in self.kept.of("keys") for key in line["keys"]}
        keys = self.ratings.interactions.keys
        waiting = [
            block
            for block in blocks(self.ratings.interactions, self.ratings.rows, grows=self.config.grows)
            if not done.issuperset(keys[list(block.rows)].tolist())
        ]
        pace = _Pace(self.recorder, "rating", len(self.ratings.rows), sum(len(block.rows) for block in waiting))
        for block in waiting:
            began = time.monotonic()
            scored = self.scorer.score(self._prompts(block), scales=self._scales(self._pk(block)))
            seconds = time.monotonic() - began
            column = scored.yes if self.config.score == "yes" else scored.log_odds
            line = {"keys": keys[list(block.rows)].tolist(), LLM: [_or_none(one) for one in column.tolist()]}
            line |= {BACKBONE: self._backbone(block), "cost": asdict(scored.cost), "seconds": round(seconds, 4)}
            self.kept.add(line)
            pace.done(len(block.rows))

    def explain(self) -> None:
        """Have every approved trace that is set apart, and that no line has, told anew by the model."""
        at_home = self.tuned is not None and self.tuned.run.catalog_id == self.run.catalog_id
        before = self.tuned.run.created_at if self.tuned and at_home else None
        self.apart, self.learnt = explanations.approved_apart(
            self.run.catalog, most=self.config.explanations, before=before
        )
        done = {line["turn"] for line in self.kept.of("turn")}
        waiting = [one for one in self.apart if one.turn not in done]
        if not waiting:
            return
        encode = self._encoder()
        pace = _Pace(self.recorder, "explaining", len(self.apart), len(waiting))
        for one in waiting:
            began = time.monotonic()
            text, cost = self.scorer.write(one.prompt, self.config.tokens, scales=self._scales(one.end_user))
            seconds = round(time.monotonic() - began, 4)
            found = asdict(explanations.compared(text, one, encode))
            self.kept.add({"turn": one.turn, **found, "cost": asdict(cost), "seconds": seconds})
            pace.done(1)

    def metrics(self) -> dict[str, Any]:
        """All that is stored: no row, no text, nobody's name."""
        rated = self.kept.of("keys")
        lines = {
            key: (llm, backbone)
            for line in rated
            for key, llm, backbone in zip(
                line["keys"], line[LLM], line[BACKBONE] or [None] * len(line[LLM]), strict=True
            )
        }
        interactions, rows = self.ratings.interactions, self.ratings.rows
        both = [lines[key] for key in interactions.keys[rows].tolist()]
        answered = np.array([llm is not None for llm, _ in both], dtype=np.bool_)
        rows = rows[answered]
        scores = {LLM: np.array([llm for llm, _ in both if llm is not None], dtype=np.float64)}
        if self.ratings.beside is not None:
            scores[BACKBONE] = np.array([one for llm, one in both if llm is not None], dtype=np.float64)
        trained = (self.ratings.codes == TRAIN) & (interactions.liked >= 0)
        slices = warm_and_cold(interactions, rows, trained=trained)
        return {
            "model": self.scorer.name,
            "prompt": self.template.name,
            "prompt_hash": self.template.hash,
            "tuned": str(self.tuned.run) if self.tuned else "",
            "base": self.tuned.base if self.tuned else "",
            "backbone": str(self.ratings.version) if self.ratings.beside else "",
            "rows": {"scored": len(rows), "unanswered": int((~answered).sum()), "left_out": self.ratings.left_out},
            **figures(interactions.liked[rows], interactions.end_user[rows], scores, slices),
            "explanations": self._explained(),
            "cost": self._cost(rated),
            "notes": self._notes(),
        }

    def _about(self) -> str:
        version = self.ratings.version
        stands_on = [
            self.run.config,
            self.ratings.interactions.hash(),
            self.scorer.name,
            self.template.hash,
            f"{version.pk} {version.created_at}" if version else "",
            [asdict(one) for one in self.items],
        ]
        return hashlib.sha256(json.dumps(stands_on, default=str).encode()).hexdigest()

    def _prompts(self, block: Block) -> list[Prompt]:
        shows = self._shows(self._pk(block))
        return prompts_of(block, self.ratings.interactions, self._described(shows), person=self._person(shows))

    def _shows(self, end_user: int) -> Shows:
        return self.tuned.shows(end_user) if self.tuned else TEXT

    def _scales(self, end_user: int) -> Scales:
        return self.tuned.choice(end_user).scales if self.tuned else ()

    def _person(self, shows: Shows) -> Person:
        return Person(self.run.catalog.item_noun, (), ordered=self.run.catalog.ordered, vector=shows.end_user)

    def _described(self, shows: Shows) -> Callable[[int], Described]:
        """An item by its number, as prompts show it to whom `shows` is about."""
        return lambda number: replace(self.items[number], vector=shows.item(self.pks[number]))

    def _pk(self, block: Block) -> int:
        return self.people[block.end_user]

    def _backbone(self, block: Block) -> list[float] | None:
        if self.ratings.beside is None:
            return None
        end_user = EndUser.objects.filter(pk=self._pk(block)).first()
        if end_user is None:
            raise CannotRunError("The catalog changed while it was evaluated. Start the evaluation again.")
        return self.ratings.beside.probability(end_user, block.rows)

    def _encoder(self) -> Encode:
        from recommender.knowledge import encoder  # noqa: PLC0415 - torch: only where it computes

        loaded = encoder.load(MINILM)
        return lambda texts: loaded.encode(texts, done=lambda _: self.recorder.alive())

    def _explained(self) -> dict[str, Any]:
        """How near the explanations are to the approved traces, and how many begin with the right word."""
        found: dict[str, Any] = {"texts": len(self.apart), "learnt": self.learnt}
        if not self.apart:
            return found
        lines = {line["turn"]: line for line in self.kept.of("turn")}
        told = [lines[one.turn] for one in self.apart]
        values = {name: [line[name] for line in told] for name in explanations.NEARNESS}
        values["right"] = [float(line["liked"] == one.liked) for line, one in zip(told, self.apart, strict=True)]
        found["measures"] = of_texts(values, [one.end_user for one in self.apart])
        found["answered"] = sum(line["liked"] is not None for line in told)
        found["liked"] = sum(one.liked for one in self.apart)
        return found

    def _cost(self, rated: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Tokens, calls and seconds of all ratings, of all explanations, and of a list of LIST items on average."""
        parameters, added = self.scorer.parameters or (None, None)
        return {
            "parameters": parameters,
            "added_parameters": added,
            "ratings": _summed(rated),
            "explanations": _summed(self.kept.of("turn")),
            "list": self._lists(),
        }

    def _lists(self) -> dict[str, Any]:
        """Of LISTS people, the histories that their last row has here: items drawn by chance, scored together."""
        drawn, interactions = random.Random(self.config.seed), self.ratings.interactions  # noqa: S311 - a sample
        last = {block.end_user: block for block in blocks(interactions, self.ratings.rows, grows=0)}
        cost, people, began = Cost(), drawn.sample(sorted(last), min(LISTS, len(last))), time.monotonic()
        numbers = drawn.sample(range(len(self.items)), min(LIST, len(self.items)))
        for end_user in people:
            block, pk = last[end_user], self._pk(last[end_user])
            described, place = self._described(shows := self._shows(pk)), len(block.rows) - 1
            person = about(block, place, interactions, described, person=self._person(shows))
            cost += self.scorer.score(asked(person, list(map(described, numbers))), scales=self._scales(pk)).cost
            self.recorder.alive()
        seconds = time.monotonic() - began
        each = {name: round(value / len(people), 1) for name, value in asdict(cost).items()}
        return each | {"seconds": round(seconds / len(people), 4), "items": len(numbers), "people": len(people)}

    def _notes(self) -> list[str]:
        """What is to be known of the figures, in sentences."""
        notes = [self.ratings.why_alone] if self.ratings.why_alone else []
        if self.tuned is None:
            return notes
        tuned = self.tuned.run
        if tuned.catalog_id != self.run.catalog_id:
            notes.insert(0, f"Tuned on {tuned.catalog}, evaluated on {self.run.catalog}: nothing was tuned again.")
            if own := " and ".join(sorted(PARTS_OF_THINKREC[name].label for name in _of_its_own(tuned))):
                notes.insert(1, f"Left out, for they are about users and items of {tuned.catalog}: {own}.")
        return notes


class _Pace:
    """How far a stage is, with the seconds that are left of it."""

    def __init__(self, recorder: Recorder, stage: str, of: int, waiting: int) -> None:
        self._recorder, self._stage, self._of, self._left = recorder, stage, of, waiting
        self._waiting, self._began = waiting, time.monotonic()
        recorder.at(stage, of - waiting, of)

    def done(self, count: int) -> None:
        self._left -= count
        computed = self._waiting - self._left
        seconds = (time.monotonic() - self._began) / computed * self._left
        self._recorder.progress["seconds_left"] = round(seconds)
        self._recorder.at(self._stage, self._of - self._left, self._of)


def _summed(lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    cost = sum((Cost(**line["cost"]) for line in lines), Cost())
    return asdict(cost) | {"seconds": round(sum(line["seconds"] for line in lines), 1)}


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
