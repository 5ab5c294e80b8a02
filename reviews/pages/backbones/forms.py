"""Asking for a training run: what people choose, in words, and as the TrainConfig it makes."""

from typing import Any

from django import forms
from django.forms import BoundField

from recommender.dataset.split import SPLITS
from recommender.models import Catalog
from recommender.recipe import ADAPTERS, BACKBONES, CALIBRATIONS, LOW_ACTIVITY, SWITCHES, TrainConfig

DEFAULTS = TrainConfig()
GOOD_FOR = {
    "din": "the default; weighs past items one by one",
    "dien": "how interest moves along a history; slow",
    "dien_augru": "DIEN as its paper has it; slow",
    "gru4rec": "the order of a history; quick to serve",
    "sim": "long histories, up to 1000: the 20 nearest items",
    "dcn": "the quickest to train; crosses of features",
    "dcnv2": "richer crosses of features",
    "deepfm": "pairs of features; a plain reference, quick",
    "xdeepfm": "products of three and more features",
    "autoint": "fields that attend to each other",
    "fibinet": "which fields count, then their pairs",
    "fignn": "fields as a graph; the smallest",
    "finalmlp": "two perceptrons, multiplied",
}
ADAPTER_WORDS = {
    "hea": "R4ec's; shared experts beside each kind's own",
    "moe": "experts of each kind of subject",
    "mlp": "a perceptron for each kind of subject",
}
CALIBRATION_WORDS = {
    "none": "None: scores as trained",
    "temperature": "Temperature: a slope",
    "platt": "Platt: a slope and an intercept",
}
LOW_ACTIVITY_WORDS = {
    "none": "Nothing: they count as without knowledge",
    "items": "The knowledge of the items they met, averaged",
}
INPUTS = {
    "match": "History match: past feedback on items with attributes in common",
    "demographics": "Demographics: the end user's attributes",
    "statistics": "Statistics: an item's mean like and count, a history's length",
    "collaborative": "Collaborative signal: resemblance by who liked what",
    "metadata": "Metadata signal: resemblance by attributes",
    "mood": "Mood: a level that drifts along the history",
    "knowledge_signal": "Knowledge signal: resemblance by the items' texts",
    "knowledge_words": "Wording: in that signal, words beside meaning",
    "knowledge_claims": "Claims: end users' texts held against items",
    "knowledge_field": "Knowledge field: texts through the adapter, R4ec's way in",
    "knowledge_gate": "Gates: how far that field is let in (left out: wholly)",
}
SETTINGS = (
    "backbone",
    "history",
    "epochs",
    "learning_rate",
    "split",
    "fold",
    "adapter",
    "whiten",
    "calibration",
    "low_activity",
    "low_activity_below",
    "metadata_text",
    "seed",
)
BASIC = ("catalog", "backbone", "activate")
# Fields that count with one value of another one only; elsewhere they are neither shown nor read.
ONLY_WITH = {"fold": ("split", "kar"), "low_activity_below": ("low_activity", "items")}


def _choices(words: dict[str, str], allowed: Any) -> list[tuple[str, str]]:
    return [(name, words[name]) for name in allowed]


class TrainForm(forms.Form):
    """What is left empty is as by default. `config`: once it is valid. The command `train_backbone` has more."""

    catalog = forms.ModelChoiceField(Catalog.objects.order_by("name"), to_field_name="name", empty_label=None)
    backbone = forms.ChoiceField(
        choices=[(name, f"{label}: {GOOD_FOR[name]}") for name, label in BACKBONES.items()], initial=DEFAULTS.backbone
    )
    activate = forms.BooleanField(
        label="Put it in charge if its gates pass", required=False, help_text="Else it waits as a candidate."
    )
    history = forms.IntegerField(
        required=False,
        initial=DEFAULTS.history,
        help_text="So many interactions before each example are read one by one; signals read all.",
    )
    epochs = forms.IntegerField(
        required=False, initial=DEFAULTS.epochs, help_text="At most; it stops when the valid part gets no better."
    )
    learning_rate = forms.FloatField(required=False, initial=DEFAULTS.learning_rate)
    seed = forms.IntegerField(
        required=False, initial=DEFAULTS.seed, help_text="The same seed on the same data gives the same scores."
    )
    split = forms.ChoiceField(
        required=False,
        choices=[(name, f"{name}: {what}") for name, what in SPLITS.items()],
        initial=DEFAULTS.split,
        help_text="What it is trained and tested on. Versions compare on one split only.",
    )
    fold = forms.IntegerField(
        required=False, initial=DEFAULTS.fold, help_text="Which tenth of the end users is tested, 0 to 9."
    )
    adapter = forms.ChoiceField(
        label="Knowledge adapter",
        required=False,
        choices=[(name, f"{label}: {ADAPTER_WORDS[name]}") for name, label in ADAPTERS.items()],
        initial=DEFAULTS.adapter,
    )
    whiten = forms.IntegerField(
        label="Whiten texts to",
        required=False,
        initial=DEFAULTS.whiten,
        help_text="So many directions, of equal spread; 64 to 128 are usual. 0: the encoder's vectors as they are.",
    )
    calibration = forms.ChoiceField(
        required=False,
        choices=_choices(CALIBRATION_WORDS, CALIBRATIONS),
        initial=DEFAULTS.calibration,
        help_text="Fitted on the valid part, so that 0.7 means 7 likes in 10. No ranking changes.",
    )
    low_activity = forms.ChoiceField(
        label="Low-activity end users get",
        required=False,
        choices=_choices(LOW_ACTIVITY_WORDS, LOW_ACTIVITY),
        initial=DEFAULTS.low_activity,
        help_text="Those without a text of their own.",
    )
    low_activity_below = forms.IntegerField(
        label="Low activity is below",
        required=False,
        initial=DEFAULTS.low_activity_below,
        help_text="Interactions before a moment.",
    )
    metadata_text = forms.BooleanField(
        label="Encode titles and attributes too",
        required=False,
        initial=DEFAULTS.metadata_text,
        help_text="One more signal, in both models: what knowledge then adds is more than plain facts.",
    )
    left_out = forms.MultipleChoiceField(
        label="Leave out",
        required=False,
        choices=sorted(_choices(INPUTS, SWITCHES), key=lambda choice: list(INPUTS).index(choice[0])),
        widget=forms.CheckboxSelectMultiple,
        help_text="To see what each is good for.",
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        chosen = {name: data[name] for name in SETTINGS if data.get(name) not in (None, "")}
        for name, (other, value) in ONLY_WITH.items():
            if data.get(other) != value:
                chosen.pop(name, None)
                self.errors.pop(name, None)
        chosen |= dict.fromkeys(data.get("left_out", []), False)
        while True:
            try:
                self.config = TrainConfig(**chosen)
                return data
            except ValueError as error:  # its message begins with the setting's name; the defaults are in range
                name = str(error).split(" ", 1)[0]
                del chosen[name]
                self.add_error(name, str(error).replace(name, str(self[name].label), 1))

    @property
    def basic(self) -> list[BoundField]:
        return [self[name] for name in BASIC]

    @property
    def advanced(self) -> list[tuple[BoundField, str]]:
        """The other fields, each with the choice it is shown with: "kar", "items" or nothing."""
        return [(field, ONLY_WITH.get(field.name, ("", ""))[1]) for field in self if field.name not in BASIC]

    @property
    def is_wrong_inside(self) -> bool:
        """Whether the folded part has to be open: something in it is not right."""
        return any(field.errors for field, _ in self.advanced)
