"""Backbones by name."""

from recommender.backbones.autoint import AutoInt
from recommender.backbones.base import Backbone
from recommender.backbones.batch import InputSizes
from recommender.backbones.dcn import Dcn
from recommender.backbones.dcnv2 import DcnV2
from recommender.backbones.deepfm import DeepFm
from recommender.backbones.din import Din
from recommender.backbones.fibinet import FiBiNet
from recommender.backbones.fignn import FiGnn
from recommender.backbones.finalmlp import FinalMlp
from recommender.backbones.xdeepfm import XDeepFm
from recommender.training.config import TrainConfig

ARCHITECTURES: dict[str, type[Backbone]] = {
    "din": Din,
    "dcn": Dcn,
    "dcnv2": DcnV2,
    "deepfm": DeepFm,
    "xdeepfm": XDeepFm,
    "autoint": AutoInt,
    "fibinet": FiBiNet,
    "fignn": FiGnn,
    "finalmlp": FinalMlp,
}


def make(sizes: InputSizes, config: TrainConfig) -> Backbone:
    """An untrained backbone of the configured architecture, its weights drawn from torch's current seed."""
    return ARCHITECTURES[config.backbone](sizes, config)
