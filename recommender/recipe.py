"""How to train one backbone version. Pure: web processes read and write it too."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from recommender.dataset.split import FOLDS, SPLITS

BACKBONES = {  # what `backbones.registry` builds, and how pages call it: known here without torch
    "din": "DIN",
    "dien": "DIEN",
    "dien_augru": "DIEN (AUGRU)",
    "gru4rec": "GRU4Rec",
    "sim": "SIM",
    "dcn": "DCN",
    "dcnv2": "DCN-V2",
    "deepfm": "DeepFM",
    "xdeepfm": "xDeepFM",
    "autoint": "AutoInt+",
    "fibinet": "FiBiNET",
    "fignn": "FiGNN",
    "finalmlp": "FinalMLP",
}
ADAPTERS = {"hea": "HEA", "moe": "MoE", "mlp": "MLP"}  # of knowledge, and how pages call them
CALIBRATIONS = ("none", "temperature", "platt")
LOW_ACTIVITY = ("none", "items")  # items: the mean of the knowledge of the items in their history
SELECTORS = ("logloss", "auc", "gauc")
COMPILE = ("auto", "on", "off")
SIGNALS = ("statistics", "collaborative", "metadata", "knowledge_signal", "mood")
KNOWLEDGE = "knowledge"
CONTROLS = {  # what may stand in for the knowledge texts, everywhere they enter: signals.controls
    "shuffled": "the texts of other subjects",
    "metadata": "titles and attributes as plain sentences",
    "numeric": "counts and rates of the same history",
    "random": "random vectors",
}
OF_KNOWLEDGE = ("knowledge_field", "knowledge_gate", "knowledge_words", "knowledge_claims")
SWITCHES = ("match", "demographics", *OF_KNOWLEDGE, *SIGNALS)  # what can be left out


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """One training run's choices. Raises ValueError, naming the field, when one is out of range.

    The defaults are METHODS.md section 1.6's where it names one; history, dropout and rare items follow the strong
    base of KNOWLEDGE_GAIN.md.
    """

    backbone: str = "din"
    split: str = "r4ec"
    fold: int = 0  # of the split kar: which tenth of the end users is tested
    seed: int = 1234
    # inputs
    history: int = 30  # the last n interactions before each example
    rare_below: int = 2  # items with fewer interactions before validation share one id embedding
    first_attribute: bool = False  # of an item's attributes the first one alone, as R4ec's code reads them
    demographics: bool = True  # the end user's attributes
    # signals (recommender.signals): what the whole history says of an item, one switch each
    statistics: bool = True  # the item's mean like and count, the history's length
    collaborative: bool = True  # resemblance by who liked what
    metadata: bool = True  # resemblance by attributes
    knowledge_signal: bool = True  # resemblance by the items' knowledge texts, in the model with knowledge
    knowledge_words: bool = True  # in that, wording counts beside what the encoder takes texts to mean
    knowledge_claims: bool = True  # what the end users' texts claim of items, in the model with knowledge
    mood: bool = True  # a level that drifts along the history
    metadata_text: bool = False  # resemblance by titles and attributes as encoded sentences, beside the attributes
    # knowledge
    knowledge_field: bool = True  # R4ec's way in, in the model with knowledge: vectors through the adapter
    knowledge_source: str = KNOWLEDGE  # or one of CONTROLS, in its place
    low_activity: str = "none"  # what end users without a text and with few interactions get: dataset.low_activity
    low_activity_below: int = 20  # interactions before a moment
    # backbone
    embedding: int = 32  # per field
    attention: tuple[int, ...] = (32, 16)
    head: tuple[int, ...] = (200, 80)
    dropout: float = 0.2
    match: bool = True  # the history match (backbones.match) beside the architecture; off: the architecture alone
    # knowledge adapter
    adapter: str = "hea"
    adapter_hidden: int = 128
    adapter_width: int = 32  # per kind of subject
    shared_experts: int = 2
    specific_experts: int = 6  # per kind of subject
    whiten: int = 0  # directions that the encoder's vectors are whitened to first; 0: all of them, as they are
    knowledge_gate: bool = True  # one per kind of subject, nearly closed at first: how far its knowledge is let in
    knowledge_dropout: float = 0.1  # how often a training row's knowledge is hidden
    # loop
    epochs: int = 20  # at most
    patience: int = 3  # epochs without a better valid score before stopping
    select_by: str = "logloss"  # the valid score that chooses the best epoch
    calibration: str = "platt"  # of the best epoch's logits, fitted on the valid part
    batch_size: int = 0  # 0: chosen by the number of samples
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    compile: str = "auto"  # native kernels (backbones.native); auto: where the fit is long enough to pay for compiling
    grouped: int = 1  # rows of one end user that are drawn together; above 1 not i.i.d., but knowledge is shared more
    stream: bool = False  # train from a Parquet file instead of memory
    threads: int = 1  # of one process; two runs on two cores beat one run on both (BACKBONE.md section 4)

    def __post_init__(self) -> None:
        for name, allowed in (
            ("backbone", BACKBONES),
            ("split", SPLITS),
            ("adapter", ADAPTERS),
            ("select_by", SELECTORS),
            ("compile", COMPILE),
            ("calibration", CALIBRATIONS),
            ("knowledge_source", (KNOWLEDGE, *CONTROLS)),
            ("low_activity", LOW_ACTIVITY),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}; it is {getattr(self, name)!r}.")
        for name, low, high in (
            ("seed", 0, 2**32 - 1),
            ("fold", 0, FOLDS - 1),
            ("history", 1, 1000),
            ("rare_below", 0, 1000),
            ("low_activity_below", 2, 1000),
            ("embedding", 1, 1024),
            ("adapter_hidden", 1, 4096),
            ("adapter_width", 1, 1024),
            ("shared_experts", 1, 64),
            ("specific_experts", 1, 64),
            ("whiten", 0, 1024),
            ("epochs", 1, 1000),
            ("patience", 1, 1000),
            ("batch_size", 0, 1_000_000),
            ("grouped", 1, 1000),
            ("threads", 1, 1024),
        ):
            _check_integer(name, getattr(self, name), low, high)
        if self.fold and self.split != "kar":
            raise ValueError("fold belongs to the split kar, which alone deals end users to folds.")
        for name in (*SWITCHES, "first_attribute", "metadata_text", "stream"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} must be true or false; it is {getattr(self, name)!r}.")
        for name in ("attention", "head"):
            value = getattr(self, name)
            if not isinstance(value, tuple) or not value:
                raise ValueError(f"{name} must be a list of layer widths; it is {value!r}.")
            for width in value:
                _check_integer(name, width, 1, 8192)
        for name, low_, high_ in (
            ("dropout", 0.0, 0.95),
            ("knowledge_dropout", 0.0, 0.95),
            ("learning_rate", 1e-7, 10.0),
            ("weight_decay", 0.0, 10.0),
        ):
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, (int, float)) or not low_ <= number <= high_:
                raise ValueError(f"{name} must be a number from {low_} to {high_}; it is {number!r}.")

    def to_json(self) -> dict[str, Any]:
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Missing keys take their defaults; an unknown key or a bad value raises ValueError."""
        if unknown := sorted(set(data) - {field.name for field in fields(cls)}):
            raise ValueError(f"Unknown training settings: {', '.join(unknown)}.")
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}
        return cls(**values)


def _check_integer(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}; it is {value!r}.")
