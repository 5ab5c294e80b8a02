"""Which registered adapters a llama.cpp server can hold beside a base, for whoever starts one.

    adapters.hold(parameters, served.adapters("smollm2"))  # recommender.llm.adapters; parameters: CommonParams

A server knows the adapters that it was started with: one that is tuned later is there after the next start.
"""

from pathlib import Path

from recommender.llm.weights import NoWeightsError, gguf_of
from recommender.models import RunState, TuningRun
from recommender.tuning import service


def adapters(base: str) -> list[Path]:
    """The GGUF files of all adapters that were tuned on this base and are still there, in the order of their runs.

    `base`: smollm2, or the path of a GGUF. Raises NoWeightsError where it names none.
    """
    weights = gguf_of(base)
    done = TuningRun.objects.filter(state=RunState.DONE).exclude(artifact="").order_by("pk")
    found = []
    for run in done:
        path = service.folder_of(run) / "adapter" / str(run.metrics.get("gguf", ""))
        if path.is_file() and _same(run.config["base"], weights):
            found.append(path)
    return found


def _same(base: str, weights: Path) -> bool:
    try:
        return gguf_of(base) == weights
    except NoWeightsError:
        return False
