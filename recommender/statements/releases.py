"""Which reader read a text (`Turn.reader`): rules and tables of words alone, or the tagger too, with which weights.

The numbers ascend: what a lower one read is read again (again.py). Whoever changes what texts are read as, by other
weights of the tagger or by rules for more than a corner, gives TAGGER the next number here and puts down the digest of
the weights, which a test compares.
"""

from functools import cache
from importlib.util import find_spec

TABLES = 1
TAGGER = 4  # 3: with the weights and rules of before the evening of 2026-11-30; 2: of before its morning
WEIGHTS = "d485e7d5cf3d6d9c976ebd0249299810"  # BLAKE2b, 16 bytes, of grounding/tagger/network.onnx
LEARNED = "the learned reader"


@cache
def here() -> int:
    """By which a process of this installation reads. Loads nothing."""
    return TAGGER if all(map(find_spec, ("tokenizers", "onnxruntime"))) else TABLES


def in_words(release: int) -> str:
    if release == TABLES:
        return "rules"
    return LEARNED if release >= TAGGER else f"{LEARNED}, an earlier release of it"
