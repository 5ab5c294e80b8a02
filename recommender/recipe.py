"""How to train one backbone version, and what everything in that is called. Web processes read and write it too."""

from collections.abc import Collection
from typing import Annotated, ClassVar, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from recommender.dataset.split import FOLDS, NO_CUTS, SPLITS, Cuts
from recommender.models import Clock
from recommender.runs.errors import CannotTrainError
from recommender.setting import Choice, OneOf, OnlyWith, SettingError, Settings, settings_of

BACKBONES = {  # what `backbones.registry` builds: known here without torch
    "din": Choice("DIN", "the default; weighs past items one by one"),
    "dien": Choice("DIEN", "how interest moves along a history; slow"),
    "dien_augru": Choice("DIEN (AUGRU)", "DIEN as its paper has it; slow"),
    "gru4rec": Choice("GRU4Rec", "the order of a history; quick to serve"),
    "sim": Choice("SIM", "long histories, up to 1000: the 20 nearest items"),
    "dcn": Choice("DCN", "the quickest to train; crosses of features"),
    "dcnv2": Choice("DCN-V2", "richer crosses of features"),
    "deepfm": Choice("DeepFM", "pairs of features; a plain reference, quick"),
    "xdeepfm": Choice("xDeepFM", "products of three and more features"),
    "autoint": Choice("AutoInt+", "fields that attend to each other"),
    "fibinet": Choice("FiBiNET", "which fields count, then their pairs"),
    "fignn": Choice("FiGNN", "fields as a graph; the smallest"),
    "finalmlp": Choice("FinalMLP", "two perceptrons, multiplied"),
}
BY_ORDER = ("dien", "dien_augru", "gru4rec")  # architectures that are about what came first in a history
ADAPTERS = {  # of knowledge: backbones.adapter
    "hea": Choice("HEA", "R4ec's; shared experts beside each kind's own"),
    "moe": Choice("MoE", "experts of each kind of subject"),
    "mlp": Choice("MLP", "a perceptron for each kind of subject"),
}
CALIBRATIONS = {  # training.calibration
    "none": Choice("None", "scores as trained"),
    "temperature": Choice("Temperature", "a slope"),
    "platt": Choice("Platt", "a slope and an intercept"),
}
LOW_ACTIVITY = {  # dataset.low_activity
    "none": Choice("Nothing: they count as without knowledge"),
    "items": Choice("The knowledge of the items they met, averaged"),
}
SELECTORS = {"logloss": Choice("LogLoss"), "auc": Choice("AUC"), "gauc": Choice("GAUC")}
COMPILE = {
    "auto": Choice("auto", "where the fit is long enough to pay for compiling"),
    "on": Choice("on"),
    "off": Choice("off", "torch's own operations compute the same"),
}
KNOWLEDGE = "knowledge"
CONTROLS = {  # what may take the place of the knowledge texts, everywhere they enter: signals.controls
    "shuffled": Choice("shuffled", "the texts of other subjects"),
    "metadata": Choice("metadata", "titles and attributes as plain sentences"),
    "numeric": Choice("numeric", "counts and rates of the same history"),
    "random": Choice("random", "random vectors"),
}
SOURCES = {KNOWLEDGE: Choice("knowledge", "the knowledge texts"), **CONTROLS}
SIGNALS = ("statistics", "collaborative", "metadata", "knowledge_signal", "drift")  # what `signals` computes

# Fields that rows and artifacts know by the names of earlier releases.
STORED_AS = {"drift": "mood", "statements": "knowledge_claims"}

Backbone = Annotated[str, OneOf(BACKBONES)]
Widths = tuple[Annotated[int, Field(ge=1, le=8192)], ...]


class TrainConfig(Settings):
    """One training run's choices.

    The defaults are METHODS.md section 1.6's where it names one; history, dropout and rare items follow the strong
    base of KNOWLEDGE_GAIN.md.
    """

    of: ClassVar = "training"
    stored_as: ClassVar = STORED_AS

    backbone: Backbone = Field(default="din", title="Model type", description="The backbone's architecture.")
    # rows
    split: Annotated[str, OneOf(SPLITS)] = Field(
        default="r4ec",
        title="Split",
        description="What it is trained and tested on. Versions compare on one split only.",
    )
    fold: Annotated[int, OnlyWith("split", "kar")] = Field(
        default=0, ge=0, le=FOLDS - 1, title="Fold", description="Which tenth of the end users is tested."
    )
    valid_from: Annotated[int, OnlyWith("split", "given")] = Field(
        default=0, title="Validate from", description="The first moment that is validated on: Unix seconds."
    )
    test_from: Annotated[int, OnlyWith("split", "given")] = Field(
        default=0, title="Test from", description="The first moment that is tested: Unix seconds."
    )
    seed: int = Field(
        default=1234,
        ge=0,
        le=2**32 - 1,
        title="Seed",
        description="The same seed on the same data gives the same scores.",
    )
    negatives: int = Field(
        default=4,
        ge=0,
        le=100,
        title="Drawn for each like",
        description="Where hardly anything is known not to be liked: items that an end user never met, taken as not "
        "liked. 0: none.",
    )
    # inputs
    history: int = Field(
        default=30,
        ge=1,
        le=1000,
        title="History",
        description="So many interactions before each example are read one by one; signals read all.",
    )
    rare_below: int = Field(
        default=2,
        ge=0,
        le=1000,
        title="Rare items have fewer interactions than",
        description="Counted before the valid part. Rare items share one id embedding.",
    )
    first_attribute: bool = Field(
        default=False, title="First attribute only", description="Of an item's attributes, as R4ec's code reads them."
    )
    metadata_text: bool = Field(
        default=False,
        title="Encode titles and attributes too",
        description="One more signal, in both models: what knowledge then adds is more than plain facts.",
    )
    metadata_numbers: float = Field(
        default=0.0,
        ge=0.0,
        le=0.2,
        title="Nearness of numbers",
        description="Variance that likes share because items' numbers, as the year, are near each other; 0: none.",
    )
    signal_folds: int = Field(
        default=5,
        ge=2,
        le=100,
        title="Folds of signals",
        description="What signals say of an item is fitted without the end user's own fold. More folds fit on more of "
        "small data and take longer.",
    )
    newer_likes: bool = Field(
        default=False,
        title="Items' means go on",
        description="With what others liked since the training, as each list is asked for. Between two trainings a new "
        "item earns its place, and scores move.",
    )
    # inputs and signals that can be left out; in the model with knowledge alone: those of knowledge
    match: bool = Field(
        default=True, title="History match", description="past feedback on items with attributes in common"
    )
    demographics: bool = Field(default=True, title="Demographics", description="the end user's attributes")
    statistics: bool = Field(
        default=True, title="Statistics", description="an item's mean like and count, a history's length"
    )
    collaborative: bool = Field(default=True, title="Collaborative signal", description="resemblance by who liked what")
    metadata: bool = Field(default=True, title="Metadata signal", description="resemblance by attributes")
    drift: bool = Field(default=True, title="Drift", description="a level that drifts along the history")
    knowledge_signal: bool = Field(
        default=True, title="Knowledge signal", description="resemblance by the items' texts"
    )
    knowledge_words: bool = Field(default=True, title="Wording", description="in that signal, words beside meaning")
    statements: bool = Field(
        default=True, title="Statements", description="what texts say that end users like and dislike, as an offset"
    )
    statement_priors: bool = Field(
        default=True, title="Priors of statements", description="what is approved counts before likes bear it out"
    )
    llm_scores: bool = Field(
        default=True, title="LLM scores", description="what an LLM answered about items, as an offset if likes agree"
    )
    knowledge_field: bool = Field(
        default=True, title="Knowledge field", description="texts through the adapter, R4ec's way in"
    )
    knowledge_gate: bool = Field(
        default=True, title="Gates", description="how far that field is let in (left out: wholly)"
    )
    # knowledge
    knowledge_source: Annotated[str, OneOf(SOURCES)] = Field(
        default=KNOWLEDGE,
        title="Source of knowledge",
        description="A control in its place serves to compare; such a version is never activated.",
    )
    low_activity: Annotated[str, OneOf(LOW_ACTIVITY)] = Field(
        default="none", title="Low-activity end users get", description="Those without a text of their own."
    )
    low_activity_below: Annotated[int, OnlyWith("low_activity", "items")] = Field(
        default=20, ge=2, le=1000, title="Low activity is below", description="Interactions before a moment."
    )
    adapter: Annotated[str, OneOf(ADAPTERS)] = Field(
        default="hea", title="Knowledge adapter", description="How texts' vectors become inputs of the backbone."
    )
    adapter_hidden: int = Field(default=128, ge=1, le=4096, title="Adapter's hidden width")
    adapter_width: int = Field(
        default=32, ge=1, le=1024, title="Adapter's width", description="For each kind of subject."
    )
    shared_experts: int = Field(
        default=2, ge=1, le=64, title="Shared experts", description="HEA: of both kinds of subject."
    )
    specific_experts: int = Field(
        default=6, ge=1, le=64, title="Specific experts", description="HEA and MoE: of each kind of subject."
    )
    whiten: int = Field(
        default=0,
        ge=0,
        le=1024,
        title="Whiten texts to",
        description="So many directions, of equal spread; 64 to 128 are usual. 0: the encoder's vectors as they are.",
    )
    knowledge_dropout: float = Field(
        default=0.1,
        ge=0.0,
        le=0.95,
        title="Knowledge dropout",
        description="How often a training row's knowledge is hidden.",
    )
    # backbone
    embedding: int = Field(default=32, ge=1, le=1024, title="Embedding", description="The width of each field.")
    attention: Widths = Field(
        default=(32, 16), strict=False, min_length=1, title="Attention layers", description="Widths."
    )
    head: Widths = Field(default=(200, 80), strict=False, min_length=1, title="Head layers", description="Widths.")
    dropout: float = Field(default=0.2, ge=0.0, le=0.95, title="Dropout")
    # loop
    epochs: int = Field(
        default=20, ge=1, le=1000, title="Epochs", description="At most; it stops when the valid part gets no better."
    )
    patience: int = Field(
        default=3,
        ge=1,
        le=1000,
        title="Patience",
        description="So many epochs without a better valid score before stopping.",
    )
    select_by: Annotated[str, OneOf(SELECTORS)] = Field(
        default="logloss", title="Select by", description="The valid score that chooses the best epoch."
    )
    refit: bool = Field(
        default=False,
        title="Refit",
        description="Once the best epoch is known, train again on the train and the valid part together, so that "
        "newer rows are learnt from too. Takes about twice as long.",
    )
    calibration: Annotated[str, OneOf(CALIBRATIONS)] = Field(
        default="platt",
        title="Calibration",
        description="Fitted on the valid part, so that 0.7 means 7 likes in 10. No ranking changes.",
    )
    batch_size: int = Field(
        default=0, ge=0, le=1_000_000, title="Batch size", description="0: chosen by the number of samples."
    )
    learning_rate: float = Field(default=1e-3, ge=1e-7, le=10.0, title="Learning rate", description="AdamW's.")
    weight_decay: float = Field(default=0.0, ge=0.0, le=10.0, title="Weight decay", description="AdamW's.")
    compile: Annotated[str, OneOf(COMPILE)] = Field(
        default="auto", title="Compile", description="Native kernels for the fit."
    )
    grouped: int = Field(
        default=1,
        ge=1,
        le=1000,
        title="Grouped",
        description="So many rows of an end user are drawn together. Above 1 draws are not independent, but share more "
        "knowledge.",
    )
    stream: bool = Field(
        default=False, title="Stream", description="Train from a Parquet file: for more examples than memory holds."
    )
    threads: int = Field(
        default=1,
        ge=1,
        le=1024,
        title="Threads",
        description="That torch computes on. Two runs on two cores beat one run on both.",
    )

    @field_validator("fold")
    @classmethod
    def _only_kar_has_folds(cls, fold: int, info: ValidationInfo) -> int:
        if fold and info.data.get("split") != "kar":
            raise SettingError("fold", "belongs to the split kar, which alone deals end users to folds.")
        return fold

    @model_validator(mode="after")
    def _only_given_has_cuts(self) -> Self:
        if self.split != "given" and self.cuts != NO_CUTS:
            raise SettingError("test_from", "and valid_from belong to the split given, which alone is cut by them.")
        if self.split == "given" and self.valid_from >= self.test_from:
            raise SettingError("test_from", f"must be after valid_from, which is {self.valid_from}: give both moments.")
        return self

    @property
    def cuts(self) -> Cuts:
        """The moments of the split `given`."""
        return self.valid_from, self.test_from

    @property
    def split_in_words(self) -> str:
        """The split's name with what else decides which interactions are tested."""
        more = {"kar": f", fold {self.fold}", "given": f", valid from {self.valid_from}, test from {self.test_from}"}
        return self.split + more.get(self.split, "")


SWITCHES = tuple(name for name, told in settings_of(TrainConfig).items() if told.default is True)  # can be left out


def require_order(backbones: Collection[str], clock: str) -> None:
    """Raises CannotTrainError for an architecture that learns from the order of a history, where none is known."""
    if clock == Clock.NONE and (refused := [BACKBONES[name].label for name in BY_ORDER if name in backbones]):
        others = ", ".join(choice.label for name, choice in BACKBONES.items() if name not in BY_ORDER)
        raise CannotTrainError(
            f"{' and '.join(refused)} would learn in which order people met things, and this catalog was imported "
            f"without an order: choose another model type ({others})."
        )


def said_of_chance(backbones: Collection[str], clock: str, *, drift: bool) -> str:
    """What a training in an order drawn by chance cannot learn, in words; empty where the order is known."""
    if clock != Clock.NONE:
        return ""
    idle = ["how long ago a rating was, which SIM reads,"] if "sim" in backbones else []
    idle += [f"the signal {settings_of(TrainConfig)['drift'].label}"] if drift else []
    nothing = f" Nothing can be learnt there from {' and '.join(idle)}." if idle else ""
    return f"No order is known in this catalog: each history is read in one drawn by chance.{nothing}"
