"""Collaborative vectors as tokens: what they replace, what learns, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from recommender.thinkrec.tuning.config import CannotTuneThinkrecError
from recommender.thinkrec.tuning.encoding import Encoded, Encoder
from recommender.thinkrec.tuning.learner import Learner, with_adapter
from recommender.thinkrec.tuning.packing import packed
from recommender.thinkrec.tuning.projector import Placed, Projector, Vectors
from recommender.tuning.base import load_tokenizer, load_weights
from tests.recommender.thinkrec.rows_of_films import PROMPTS, config, row


@pytest.fixture
def encoder(base: str) -> Encoder:
    return Encoder(load_tokenizer(base), PROMPTS, config(base))


def test_it_is_two_layers_of_which_the_first_is_ten_times_as_wide() -> None:
    torch.manual_seed(0)
    projector = Projector(4, 64)
    first, second = projector.layers[0], projector.layers[2]
    assert isinstance(first, nn.Linear)
    assert isinstance(second, nn.Linear)
    assert (first.weight.shape, second.weight.shape) == ((40, 4), (64, 40))
    given = torch.randn(2, 3, 4)
    by_hand = (given @ first.weight.T + first.bias).clamp(min=0) @ second.weight.T + second.bias
    assert torch.allclose(projector(given), by_hand, atol=1e-6)


def test_only_the_places_of_prompts_change(encoder: Encoder, vectors: Vectors) -> None:
    rows = [encoder.encoded(row(n, "Drama 2"), known=vectors.known) for n in (0, 1)]
    placed = Placed(Projector(4, 64), vectors)
    pack = packed(rows, [one.answer for one in rows])
    embedded = torch.zeros(1, len(pack), 64)
    changed = placed(embedded, pack.entities)[0].abs().sum(1).nonzero()[:, 0].tolist()
    assert changed == [place for place, _ in pack.entities]
    # Three of four of the history, for one item has no vector; the person; the item. Both begin with the same item.
    assert len(changed) == 2 * 5 - 1
    assert torch.equal(embedded, torch.zeros(1, len(pack), 64))
    (first, entity), *_ = pack.entities
    vector = torch.from_numpy(vectors.matrix[vectors.rows[entity]])
    assert torch.allclose(placed(embedded, pack.entities)[0, first], placed.projector(vector), atol=1e-6)


def test_an_entity_without_a_vector_is_left_out_of_the_prompt(encoder: Encoder, vectors: Vectors) -> None:
    assert not vectors.known(("item", "Action 1"))
    known = encoder.encoded(row(0, "Drama 2"), known=vectors.known)
    nobody = encoder.encoded(row(0, "Drama 2"), known=lambda _: False)
    assert ("item", "Action 1") not in [entity for _, entity in known.places]
    assert nobody == encoder.encoded(row(0, "Drama 2"))
    assert nobody.places == ()


def test_a_place_is_one_token_and_the_rest_is_the_prompts_text(base: str, encoder: Encoder, vectors: Vectors) -> None:
    tokenizer = load_tokenizer(base)
    one = encoder.encoded(row(0, "Drama 2"), known=vectors.known)
    assert [one.prompt[at] for at, _ in one.places] == [encoder.pad] * 5
    (_, user), _ = PROMPTS.of(row(0, "Drama 2"), known=vectors.known)
    assert user["content"].replace("\ue000", tokenizer.eos_token) in tokenizer.decode(one.prompt)
    assert tokenizer.decode(one.answer) == "Yes" + tokenizer.eos_token


def test_in_its_stage_gradients_reach_the_projector_alone(base: str, encoder: Encoder, vectors: Vectors) -> None:
    torch.manual_seed(0)
    model = with_adapter(load_weights(base, torch.device("cpu")), config(base))
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    placed = Placed(Projector(4, 64), vectors)
    rows = [encoder.encoded(row(n, "Drama 2"), known=vectors.known) for n in (0, 1)]
    Learner(model, encoder, config(base), placed).losses(rows).total.backward()
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in placed.parameters())
    assert not placed.matrix.requires_grad
    assert list(placed.state_dict()) == [f"projector.{name}" for name in placed.projector.state_dict()]


@pytest.mark.parametrize("with_places", [False, True])
def test_what_a_row_scores_does_not_depend_on_the_rows_beside_it(
    base: str, encoder: Encoder, vectors: Vectors, with_places: bool
) -> None:
    torch.manual_seed(0)
    placed = Placed(Projector(4, 64), vectors) if with_places else None
    learner = Learner(load_weights(base, torch.device("cpu")), encoder, config(base), placed)
    known = vectors.known if with_places else None
    rows = [encoder.encoded(one, known=known) for one in (row(0, "Drama 2"), row(3, "Action 1"))]
    short = Encoded(rows[0].row, rows[0].prompt[-90:], rows[0].answer)  # begins elsewhere, so no place fits
    together = learner.scores([*rows, short])
    alone = [learner.scores([one])[0] for one in (*rows, short)]
    assert together == pytest.approx(alone, abs=1e-4)
    assert learner.read < 2 * sum(len(one.prompt) for one in (*rows, short))  # what the first two share is read once
    assert len({round(score, 4) for score in alone}) == 3


def test_it_is_read_as_it_was_saved(tmp_path: Path) -> None:
    projector = Projector(4, 64)
    projector.save(tmp_path / "projector")
    given = torch.randn(3, 4)
    assert torch.equal(Projector.load(tmp_path / "projector")(given), projector(given))


def test_vectors_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npz"
    np.savez(path, end_users=["u"], end_user_vectors=np.eye(1, 3), items=["a", "b"], item_vectors=np.ones((2, 3)))
    found = Vectors.read(path)
    assert found.rows == {("end_user", "u"): 0, ("item", "a"): 1, ("item", "b"): 2}
    assert found.matrix.tolist() == [[1, 0, 0], [1, 1, 1], [1, 1, 1]]


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"items": ["a"]}, "must be an npz with end_users"),
        ({"end_user_vectors": np.ones((1, 2))}, "must be tables of the same width"),
        ({"end_user_vectors": np.ones(3)}, "must be tables of the same width"),
        ({"item_vectors": np.ones((3, 3))}, "one finite vector for each id"),
        ({"item_vectors": np.full((2, 3), np.nan)}, "one finite vector for each id"),
    ],
)
def test_vectors_that_do_not_go_together_are_refused(tmp_path: Path, arrays: dict[str, np.ndarray], words: str) -> None:
    right = {
        "end_users": ["u"],
        "end_user_vectors": np.ones((1, 3)),
        "items": ["a", "b"],
        "item_vectors": np.ones((2, 3)),
    }
    path = tmp_path / "vectors.npz"
    np.savez(path, **(arrays if "items" in arrays else right | arrays))
    with pytest.raises(CannotTuneThinkrecError, match=words):
        Vectors.read(path)


def test_a_file_that_is_no_npz_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vectors.npz").write_text("no")
    with pytest.raises(CannotTuneThinkrecError, match="must be an npz"):
        Vectors.read(tmp_path / "vectors.npz")
