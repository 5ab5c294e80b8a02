"""What artifacts of format 5 still have. Of formats 3 and 4 tests/upgrade has artifacts as they were written."""

import numpy as np

from recommender.signals.protocol import Candidates
from recommender.signals.registry import Signals


def test_the_statement_match_of_format_5_is_read_as_it_was_written(tmp_path):
    draw = np.random.default_rng(1)
    wants, items, item_texts = (draw.normal(size=size).astype(np.float32) for size in ((3, 8), (6, 4), (6, 4)))
    np.savez(tmp_path / "signal_statement_match.npz", items=items, item_texts=item_texts, gain=np.array(0.01))
    np.save(tmp_path / "signal_statement_match_end_users.npy", wants)
    read = Signals.load(tmp_path, [path.name for path in tmp_path.iterdir()])
    nothing, asked = np.empty(0, dtype=np.int64), np.array([4, 0, -1])
    candidates = Candidates("u", nothing, nothing.astype(np.int8), asked, end_user_text=2, item_text=asked)
    expected = np.hstack([items, item_texts])[asked] @ wants[2]

    assert list(read.fitted) == ["statement_match"]
    np.testing.assert_allclose(read.read(candidates)[:, 0], expected, rtol=1e-5)
    np.testing.assert_allclose(read.read_without(candidates, np.array([0]))[1, :, 0], expected, rtol=1e-5)
