"""What a model is, where people could take it for more than it is: said wherever its texts are shown."""

from dataclasses import dataclass

from recommender.llm.weights import SMOLLM2

DEMONSTRATION = "r4-demo-"  # the embedded endpoint's models answer by counting


@dataclass(frozen=True, slots=True)
class Label:
    """`short` stands on a badge, `long` explains it."""

    short: str
    long: str


DEMONSTRATION_LABEL = Label("Demonstration model", "A statistical model for demonstrations, not an LLM.")
SMALL = Label(
    "Small model for trying out",
    "smollm2 is a language model with 135 million parameters: real, and far too small to be relied on.",
)


def label_of(model: str) -> Label | None:
    """The label of a model by the name that is stored with its calls or lists; None for one that needs none.

    A list's says more behind it: an adapter, and what was left out.
    """
    if model.startswith(DEMONSTRATION):
        return DEMONSTRATION_LABEL
    return SMALL if model.partition(" ")[0] == SMOLLM2 else None
