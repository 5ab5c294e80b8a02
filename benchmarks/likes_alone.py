"""What is a model worth on whole lists that learned from likes alone, beside popularity and one that knows dislikes?

    python -m benchmarks.likes_alone [--seeds 2] [--negatives 4] [--known likes]

The sample catalog in a temporary database, with its dislikes and then without: ratings above the threshold become bare
likes. Split r4ec, without knowledge. Each tested end user's list of the whole catalog is judged by what they liked
later (NDCG@10) and by the planted truth: the mean probability of a like of the first ten. One line of JSON for each;
with dislikes other interactions are tested, so that only the planted truth compares.
"""

import argparse
import json
from typing import Any

import numpy as np

from benchmarks.scratch import own_database

KNOWN = ("dislikes", "likes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--negatives", type=int, default=4)
    parser.add_argument("--known", choices=KNOWN, help="one of the two alone")
    options = parser.parse_args()
    with own_database(sample=True, REDIS_URL="redis://127.0.0.1:9/0"):  # nothing is sent to workers
        for known in KNOWN if options.known is None else [options.known]:
            if known == "likes":
                forget_dislikes()
            print(json.dumps({"known": known, **measured(options.seeds, options.negatives)}), flush=True)


def forget_dislikes() -> None:
    from recommender.models import Interaction

    disliked = list(Interaction.objects.with_liked().filter(liked=False).values_list("pk", flat=True))
    Interaction.objects.filter(pk__in=disliked).delete()
    Interaction.objects.update(rating=None, label=1)


def measured(seeds: int, negatives: int) -> dict[str, Any]:
    from recommender.catalogs.sample import truth
    from recommender.dataset.histories import HISTORIES
    from recommender.dataset.interactions import trained_on
    from recommender.dataset.texts import KnowledgeRows
    from recommender.evaluation import full_ranking
    from recommender.measures import ranking
    from recommender.models import Catalog
    from recommender.recipe import TrainConfig
    from recommender.runs.observer import WITHOUT, Quiet
    from recommender.training.fit import fit_arm
    from recommender.training.inputs import make_inputs
    from recommender.training.prepare import Prepared, read

    recipe = TrainConfig(negatives=negatives, seed=1)
    data, codes = read(Catalog.objects.get(), recipe)
    prepared = Prepared(data, codes, KnowledgeRows([]), np.zeros((1, 1), np.float32), encode=dict)
    inputs = make_inputs(prepared, recipe, WITHOUT, histories=HISTORIES, alive=lambda: None)
    lists = full_ranking.make_lists(inputs, prepared.parts.test, most=len(data.end_users), alive=lambda: None)
    people, films = ({one.user_id: one for one in truth.tastes()}, {one.item_id: one for one in truth.films()})
    named = [data.end_users[number] for number in data.end_user[lists.row].tolist()]
    likely = np.array(
        [[truth.like_probability(people[name], film) for film in map(films.get, data.items)] for name in named]
    )
    popularity = np.bincount(data.item[trained_on(data, codes) & (data.liked == 1)], minlength=len(films)).astype(float)

    def of_ranks(score: np.ndarray) -> dict[str, float]:
        ranks = ranking.full_ranking(
            lambda some: score[some], np.arange(len(score)), seen=lists.seen, liked=lists.liked
        )
        unseen = score.copy()
        unseen[lists.seen.end_user, lists.seen.item] = -np.inf
        first = np.take_along_axis(likely, np.argsort(-unseen, axis=1)[:, :10], axis=1)
        return {
            "ndcg@10": round(float(np.nanmean(ranks.ndcg(10))), 4),
            "truth@10": round(float(first.mean()), 4),
        }

    def of_seed(seed: int) -> dict[str, Any]:
        fitted = fit_arm(prepared, recipe.but(seed=seed), WITHOUT, inputs=inputs, observer=Quiet())
        score = full_ranking.scorer(fitted.backbone, lists, offset=fitted.offset, alive=lambda: None)
        fours = np.array_split(np.arange(len(named)), -(-len(named) // full_ranking.AT_ONCE))
        return of_ranks(np.vstack([score(some) for some in fours])) | {
            "auc": fitted.fit.test.auc,
            "gauc": fitted.fit.test.gauc,
        }

    return {
        "end_users": len(named),
        "drawn": int(data.drawn.sum()),
        "model": [of_seed(seed) for seed in range(1, 1 + seeds)],
        "popularity": of_ranks(np.tile(popularity, (len(named), 1))),
        "best": of_ranks(likely),
        "all": round(float(likely.mean()), 4),
    }


if __name__ == "__main__":
    main()
