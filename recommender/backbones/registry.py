"""Backbones by name."""

from recommender.backbones.base import Backbone
from recommender.backbones.batch import InputSizes
from recommender.backbones.din import Din
from recommender.training.config import TrainConfig

ARCHITECTURES: dict[str, type[Backbone]] = {"din": Din}


def make(sizes: InputSizes, config: TrainConfig) -> Backbone:
    """An untrained backbone of the configured architecture, its weights drawn from torch's current seed."""
    return ARCHITECTURES[config.backbone](sizes, config)
