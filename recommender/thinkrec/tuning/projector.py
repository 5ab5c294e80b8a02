"""Collaborative vectors as tokens of a language model (METHODS.md 2.6): one token an entity, the vectors frozen."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from recommender.thinkrec.tuning.config import CannotTuneThinkrecError
from recommender.thinkrec.tuning.rows import Entity

WIDER = 10  # the hidden layer's width, in widths of the vectors
WEIGHTS, SHAPE = "projector.safetensors", "projector.json"


@dataclass(frozen=True, slots=True)
class Vectors:
    """Collaborative vectors: `matrix` (n, d) float32, and which row each end user and item has."""

    rows: Mapping[Entity, int]
    matrix: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        end_users: Sequence[str],
        end_user_vectors: NDArray[np.floating[Any]],
        items: Sequence[str],
        item_vectors: NDArray[np.floating[Any]],
    ) -> "Vectors":
        """From external ids and one row for each. Raises CannotTuneThinkrecError where they do not go together."""
        entities: list[Entity] = [("end_user", name) for name in end_users]
        entities += [("item", name) for name in items]
        shapes = end_user_vectors.shape, item_vectors.shape
        if [len(shape) for shape in shapes] != [2, 2] or shapes[0][1] != shapes[1][1]:
            raise CannotTuneThinkrecError(
                f"The vectors of users {shapes[0]} and of items {shapes[1]} must be tables of the same width."
            )
        matrix = np.concatenate([end_user_vectors, item_vectors]).astype(np.float32)
        if len(matrix) != len(entities) or not np.isfinite(matrix).all():
            raise CannotTuneThinkrecError("There must be one finite vector for each id of the vectors' file.")
        return cls({entity: row for row, entity in enumerate(entities)}, matrix)

    @classmethod
    def read(cls, path: Path) -> "Vectors":
        """From an npz with end_users, end_user_vectors, items and item_vectors. Raises CannotTuneThinkrecError."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                names = ("end_users", "end_user_vectors", "items", "item_vectors")
                end_users, of_end_users, items, of_items = (stored[name] for name in names)
        except (OSError, ValueError, KeyError) as error:
            raise CannotTuneThinkrecError(
                "The vectors' file must be an npz with end_users, end_user_vectors, items and item_vectors."
            ) from error
        return cls.of(end_users.astype(str).tolist(), of_end_users, items.astype(str).tolist(), of_items)

    def known(self, entity: Entity) -> bool:
        """Whether it has a vector. Prompts say nothing about the vector of one that has none."""
        return entity in self.rows


class Projector(nn.Module):
    """(…, dimension) → (…, hidden): Linear to ten times the dimension, ReLU, Linear; users and items share it."""

    def __init__(self, dimension: int, hidden: int) -> None:
        super().__init__()
        self.dimension, self.hidden = dimension, hidden
        self.layers = nn.Sequential(
            nn.Linear(dimension, WIDER * dimension), nn.ReLU(), nn.Linear(WIDER * dimension, hidden)
        )

    def forward(self, vectors: Tensor) -> Tensor:
        tokens: Tensor = self.layers(vectors)
        return tokens

    @property
    def size(self) -> int:
        """How many parameters it has."""
        return sum(one.numel() for one in self.parameters())

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        save_file({name: value.contiguous() for name, value in self.state_dict().items()}, folder / WEIGHTS)
        shape = {"dimension": self.dimension, "hidden": self.hidden}
        (folder / SHAPE).write_text(json.dumps(shape) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Projector":
        projector = cls(**json.loads((folder / SHAPE).read_text(encoding="utf-8")))
        projector.load_state_dict(load_file(folder / WEIGHTS))
        return projector


class Placed(nn.Module):
    """A projector with its vectors, which are never trained: it writes them over the places of prompts."""

    matrix: Tensor

    def __init__(self, projector: Projector, vectors: Vectors) -> None:
        super().__init__()
        self.projector, self.rows = projector, vectors.rows
        self.register_buffer("matrix", torch.from_numpy(vectors.matrix), persistent=False)

    def forward(self, embedded: Tensor, entities: Sequence[tuple[int, Entity]]) -> Tensor:
        """`embedded` (1, t, hidden) with the vectors of these entities at their places."""
        if not entities:
            return embedded
        place, vector = torch.tensor(
            [(at, self.rows[entity]) for at, entity in entities], device=embedded.device
        ).unbind(1)
        tokens = self.projector(self.matrix[vector]).to(embedded.dtype)
        return embedded.index_put((torch.zeros_like(place), place), tokens)
