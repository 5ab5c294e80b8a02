"""One look at a version beside the active one: every gate, measured through the ranker that serves."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from recommender.artifacts import files, golden, ranker
from recommender.artifacts.ranker import ArtifactError, Ranker
from recommender.measures.bootstrap import Interval
from recommender.models import BackboneVersion, Catalog, EndUser
from recommender.promotion import gates
from recommender.promotion.gates import QUALITY, Gate, Limits
from recommender.promotion.measure import TIMED, Measured, compare, measure, p95_ms
from recommender.promotion.test_bed import make_test_bed, sample
from recommender.runs.errors import CannotTrainError
from recommender.serving.request import Request, request_for
from recommender.serving.types import MOST_ITEMS

Step = Callable[[int, int], None]  # done, of


@dataclass(frozen=True, slots=True)
class Examined:
    """`differences`: of the quality gates, by name; none where nothing was compared. `facts`: what was measured on."""

    gates: list[Gate]
    differences: dict[str, Interval | None]
    facts: dict[str, Any]


def examine(
    version: BackboneVersion, active: BackboneVersion | None, *, limits: Limits, end_users: int, step: Step
) -> Examined:
    """Measure all gates. `active`: the active version, if that is another. `end_users`: at most so many are tested."""
    began = time.perf_counter()
    found = [gates.files(files.changed_files(version))]
    try:
        ranking = ranker.read(files.folder_of(version))
        users = golden.read(files.folder_of(version))
    except ArtifactError as error:
        broken = [Gate(name, "failed", str(error)) for name in gates.REQUIRED if name != "files"]
        return Examined([*found, *broken], {}, {})
    differences = golden.compare(ranking, users) if users else None
    found += [gates.golden(differences), gates.parity(differences)]
    requests = _requests(version.catalog)
    items = max((len(request.candidates) for request in requests), default=0)
    found.append(gates.latency(p95_ms(ranking, requests), requests=TIMED, items=items, limit_ms=limits.latency_ms))
    quality, paired, facts = _quality(version, active, ranking, limits=limits, end_users=end_users, step=step)
    return Examined([*found, *quality], paired, facts | {"seconds": round(time.perf_counter() - began, 2)})


def _quality(
    version: BackboneVersion,
    active: BackboneVersion | None,
    ranking: Ranker,
    *,
    limits: Limits,
    end_users: int,
    step: Step,
) -> tuple[list[Gate], dict[str, Interval | None], dict[str, Any]]:
    if active is None:
        return [gates.first(name) for name in QUALITY], {}, {}
    try:
        other = ranker.read(files.folder_of(active))
    except ArtifactError as error:
        return [gates.useless(name, active.number, str(error)) for name in QUALITY], {}, {}
    try:
        bed = make_test_bed(version, active, most=end_users, alive=lambda: step(0, 1))
    except CannotTrainError as error:
        return [gates.unmeasured(name, str(error)) for name in QUALITY], {}, {}
    of = 2 * len(bed.tested)

    def measured(which: BackboneVersion, its: Ranker, before: int) -> Measured:
        return measure(bed, its, hidden=bed.hidden[which.pk], step=lambda done: step(before + done, of))

    paired = compare(bed, measured(version, ranking, 0), measured(active, other, len(bed.tested)))
    margins = {"gauc": limits.gauc_margin, "ndcg": limits.ndcg_margin}
    facts = {
        "end_users": len(bed.tested),
        "of": bed.of,
        "rows": sum(len(one.items) for one in bed.tested),
        "left_out": bed.left_out,
        "drawn": bed.drawn,
        "data_changed": bed.data_hash != version.data_hash,
        "split": version.config["split"],
        "other_split": active.config["split"] != version.config["split"],
    }
    judged = [gates.quality(name, paired[name], margin=margins[name], against=active.number) for name in QUALITY]
    return judged, paired, facts


def _requests(catalog: Catalog) -> list[Request]:
    """Real end users as they would be served now, at most TIMED; those with nothing to rank are left out."""
    names = list(EndUser.objects.filter(catalog=catalog).values_list("external_id", flat=True).order_by("external_id"))
    chosen = [names[place] for place in sample(names, TIMED).tolist()]
    end_users = EndUser.objects.filter(catalog=catalog, external_id__in=chosen).select_related("catalog")
    requests = [request_for(end_user, limit=MOST_ITEMS) for end_user in end_users]
    return [request for request in requests if request.can_be_ranked]
