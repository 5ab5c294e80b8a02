"""ThinkRec's mixed objective and its score, from the logits of answers (METHODS.md 2.5)."""

import math
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from recommender.thinkrec.tuning.config import ThinkrecConfig
from recommender.thinkrec.tuning.rows import Kind

IGNORED = -100


class Losses(NamedTuple):
    """Means over the rows of a batch, in nats: of Yes against No, of the answer's tokens, and both weighed."""

    rec: Tensor
    think: Tensor
    total: Tensor


def weights(config: ThinkrecConfig, kind: Kind) -> tuple[float, float]:
    """What the yes/no loss and the text loss count in a step of this kind."""
    if kind == "reason":
        return config.reason_rec, config.reason_think
    return config.recommend_rec, config.recommend_think


def yes_logits(first: Tensor, *, yes: int, no: int, contrast: bool) -> Tensor:
    """The score of each row (b): the logit of Yes where the answer begins, with `contrast` less that of No.

    `first`: (b, vocabulary) logits of the answer's first token.
    """
    return first[:, yes] - first[:, no] if contrast else first[:, yes]


def losses(scores: Tensor, labels: Tensor, logits: Tensor, answers: Tensor, *, weigh: tuple[float, float]) -> Losses:
    """The losses of a batch of one kind.

    `scores` (b) and `labels` (b, 0 or 1) are those of Yes; `logits` (b, t, vocabulary) predict `answers` (b, t), where
    IGNORED pads. A row's text loss is the mean over its own tokens, so that a long trace counts as one row.
    """
    rec = binary_cross_entropy_with_logits(scores, labels)
    each = cross_entropy(logits.transpose(1, 2), answers, ignore_index=IGNORED, reduction="none")
    counted = (answers != IGNORED).sum(1)
    think = (each.sum(1) / counted).mean()
    return Losses(rec, think, weigh[0] * rec + weigh[1] * think)


def rate(step: int, *, of: int, peak: float, config: ThinkrecConfig) -> float:
    """The learning rate of optimizer step 1, 2, … `of`: linear warm-up to the peak, then a cosine to the floor.

    The warm-up is at most a tenth of all steps. Unlike the released code's it never rises after its warm-up.
    """
    warm = min(config.warm_up_steps, of // 10)
    if step <= warm:
        return peak * (config.warm_up_from + (1 - config.warm_up_from) * step / warm)
    done = math.pi * (step - warm) / max(1, of - warm)
    return peak * (config.floor + (1 - config.floor) * (1 + math.cos(done)) / 2)
