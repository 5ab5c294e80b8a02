"""The benchmark's model in its papers' form, and the loops that train it so.

DIN as in R4ec: item id and attribute of 32 each; a past item's vector is a map of both, plus its feedback's embedding;
attention of 32 and 16 units over [q, k, q - k, q * k], not normalised; a perceptron of 200 and 80; ReLU. With
knowledge, KAR's hybrid experts adapt both vectors of every row, and two fields of 32 join before the perceptron.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from benchmarks.peers.rows import Rows
from recommender.dataset.numbering import FIRST_ITEM

WIDTH, ATTENTION, HEAD = 32, (32, 16), (200, 80)
ADAPTED, HIDDEN = 32, 128


def perceptron(inputs: int, widths: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, 1))


class NaiveDin(nn.Module):
    def __init__(self, *, items: int, genres: int, feedback: int, knowledge: "HybridExperts | None" = None) -> None:
        super().__init__()
        self.item = nn.Embedding(items, WIDTH, padding_idx=0)
        self.genre = nn.Embedding(genres, WIDTH, padding_idx=0)
        self.feedback = nn.Embedding(feedback, 2 * WIDTH, padding_idx=0)
        for table in (self.item, self.genre, self.feedback):
            nn.init.normal_(table.weight, std=0.05)
            table.weight.data[0] = 0
        self.past = nn.Linear(2 * WIDTH, 2 * WIDTH, bias=False)
        self.attention = perceptron(8 * WIDTH, ATTENTION)
        self.knowledge = knowledge
        self.head = perceptron(4 * WIDTH + (2 * ADAPTED if knowledge else 0), HEAD)

    def forward(self, x: dict[str, Tensor]) -> Tensor:
        """Logits (B)."""
        query = torch.cat([self.item(x["item"]), self.genre(x["genre"])], dim=-1)  # (B, W)
        past = torch.cat([self.item(x["history_item"]), self.genre(x["history_genre"])], dim=-1)  # (B, L, W)
        past = self.past(past) + self.feedback(x["history_feedback"])
        queries = query.unsqueeze(1).expand_as(past)
        weight = self.attention(torch.cat([queries, past, queries - past, queries * past], dim=-1))  # (B, L, 1)
        weight = weight * (x["history_item"] != 0).unsqueeze(-1)
        fields = [query, (weight * past).sum(dim=1)]
        if self.knowledge is not None:
            fields += self.knowledge(x["end_user_vector"], x["item_vector"])
        logits: Tensor = self.head(torch.cat(fields, dim=-1)).squeeze(-1)
        return logits


class HybridExperts(nn.Module):
    """KAR's adapter: shared experts for both kinds of vector, specific ones for each, a softmax gate for each."""

    def __init__(self, inputs: int, *, shared: int, specific: int) -> None:
        super().__init__()

        def experts(count: int) -> nn.ModuleList:
            return nn.ModuleList(
                nn.Sequential(nn.Linear(inputs, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, ADAPTED), nn.ReLU())
                for _ in range(count)
            )

        self.shared, self.specific = experts(shared), nn.ModuleList(experts(specific) for _ in range(2))
        self.gates = nn.ModuleList(nn.Linear(inputs, shared + specific) for _ in range(2))

    def forward(self, *vectors: Tensor) -> list[Tensor]:
        return [
            (
                torch.stack([expert(vector) for expert in (*self.shared, *specific)], dim=1)
                * gate(vector).softmax(dim=-1).unsqueeze(-1)
            ).sum(dim=1)
            for vector, specific, gate in zip(vectors, self.specific, self.gates, strict=True)
        ]


def naive_model(rows: Rows, *, knowledge: int = 0, shared: int = 2, specific: int = 5) -> NaiveDin:
    of = rows.examples.interactions
    adapter = HybridExperts(knowledge, shared=shared, specific=specific) if knowledge else None
    sizes = {"items": FIRST_ITEM + len(of.items), "genres": 1 + len(of.tokens), "feedback": of.scale.buckets}
    return NaiveDin(**sizes, knowledge=adapter)


def columns(rows: Rows, chosen: np.ndarray) -> dict[str, np.ndarray]:
    """The rows' columns by name, int64: item, genre, history_item, history_genre, history_feedback; label float32."""
    batch, genre_of = rows.examples.batch(chosen), rows.genre_of
    item, history = batch.item[:, 0], batch.history_item
    return {
        "item": item,
        "genre": genre_of[item],
        "history_item": history,
        "history_genre": genre_of[history],
        "history_feedback": batch.history_feedback,
        "label": rows.examples.labels(chosen),
    }


class Plain:
    """The usual way: one tensor per column in a TensorDataset-like set, a DataLoader, the naive model."""

    def __init__(self, model: NaiveDin, data: dict[str, np.ndarray], *, size: int, rate: float = 1e-3) -> None:
        self.model, self.size = model, size
        self.data = {name: torch.from_numpy(column) for name, column in data.items()}
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0)
        self.batches = self.endless()

    def endless(self) -> Iterator[dict[str, Tensor]]:
        while True:
            yield from self.epoch()

    def epoch(self) -> Iterator[dict[str, Tensor]]:
        order = torch.randperm(len(self.data["label"]))
        for some in order.split(self.size):
            yield {name: column[some] for name, column in self.data.items()}

    def step(self, batch: dict[str, Tensor]) -> float:
        loss = functional.binary_cross_entropy_with_logits(self.model(batch), batch["label"])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def __call__(self, samples: int) -> int:
        self.model.train()
        done = 0
        while done < samples:
            batch = next(self.batches)
            self.step(batch)
            done += len(batch["label"])
        return done


class PerRow(Dataset[dict[str, Tensor]]):
    """A sample is a dict that is made when it is asked for; the vectors of its texts are Python lists until then."""

    def __init__(
        self, data: dict[str, np.ndarray], end_user: np.ndarray, vectors: tuple[list[list[float]], list[list[float]]]
    ) -> None:
        self.lists = {name: column.tolist() for name, column in data.items()}
        self.end_user, self.vectors = end_user.tolist(), vectors

    def __len__(self) -> int:
        return len(self.end_user)

    def __getitem__(self, row: int) -> dict[str, Tensor]:
        found = {name: torch.tensor(column[row]) for name, column in self.lists.items()}
        found["end_user_vector"] = torch.tensor(self.vectors[0][self.end_user[row]])
        found["item_vector"] = torch.tensor(self.vectors[1][self.lists["item"][row]])
        return found


class PerRowLoop(Plain):
    """The loop of KAR's and R4ec's released code, from its description: dicts, lists, a DataLoader."""

    def __init__(self, model: NaiveDin, dataset: PerRow, *, size: int = 256) -> None:
        super().__init__(model, {"label": np.zeros(0, np.float32)}, size=size)
        self.loader: Any = DataLoader(dataset, batch_size=size, shuffle=True)

    def epoch(self) -> Iterator[dict[str, Tensor]]:
        yield from self.loader
