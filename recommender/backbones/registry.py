"""Backbones by name."""

from recommender.backbones.autoint import AutoInt
from recommender.backbones.base import Backbone
from recommender.backbones.batch import InputSizes
from recommender.backbones.dcn import Dcn
from recommender.backbones.dcnv2 import DcnV2
from recommender.backbones.deepfm import DeepFm
from recommender.backbones.dien import Dien, DienAugru
from recommender.backbones.din import Din
from recommender.backbones.fibinet import FiBiNet
from recommender.backbones.fignn import FiGnn
from recommender.backbones.finalmlp import FinalMlp
from recommender.backbones.gru4rec import Gru4Rec
from recommender.backbones.sim import Sim
from recommender.backbones.xdeepfm import XDeepFm
from recommender.recipe import TrainConfig

ARCHITECTURES: dict[str, type[Backbone]] = {
    "din": Din,
    "dien": Dien,
    "dien_augru": DienAugru,
    "gru4rec": Gru4Rec,
    "sim": Sim,
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
