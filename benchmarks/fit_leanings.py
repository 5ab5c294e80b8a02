"""Fit the leanings: which sequences of words speak of what is liked, and which of what is disliked.

    python -m benchmarks.fit_leanings [--out FILE] [--pull 3] [--share 0.7]

Learns from tests/data/statements/marked, the texts about end users: a logistic regression (scipy's L-BFGS) of likes
beside dislikes over what stands around each mark, all weights pulled to 0. `--share`: what is stored of its logits, for
of texts that it has not learnt it is less sure than it thinks. Styles of `--dev` only judge. Half a minute of one core;
recommender/grounding/leanings.py reads the file of 260 KB.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from benchmarks.fit_tagger import DEV, MarkedText, marked_texts
from recommender.grounding.leanings import SLOTS, WEIGHTS, Masked

LIKED, DISLIKED = 0, 1  # of fit_tagger.POLARITIES


def rows_of(texts: list[MarkedText]) -> tuple[csr_matrix, NDArray[np.float64]]:
    """The sequences around each liked or disliked aspect (n, SLOTS), and 1 for liked ones, -1 for others (n)."""
    slots: list[int] = []
    ends, signs = [0], []
    for text in texts:
        masked = Masked(text.text, [(start, end) for start, end, _, _ in text.spans])
        for start, end, sign, _ in text.spans:
            if sign in (LIKED, DISLIKED):
                slots += masked.sequences(start, end)
                ends.append(len(slots))
                signs.append(1.0 if sign == LIKED else -1.0)
    return csr_matrix((np.ones(len(slots)), slots, ends), shape=(len(signs), SLOTS)), np.array(signs)


def fit(rows: csr_matrix, signs: NDArray[np.float64], pull: float) -> tuple[NDArray[np.float64], float]:
    """Weights (SLOTS) and bias."""
    columns = csr_matrix(rows.T)

    def loss(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margins = signs * (rows @ at[:-1] + at[-1])
        slope = -signs / (1 + np.exp(margins))
        gradient = np.append(columns @ slope + pull * at[:-1], slope.sum())
        return float(np.logaddexp(0, -margins).sum() + pull / 2 * (at[:-1] @ at[:-1])), gradient

    found = minimize(loss, np.zeros(SLOTS + 1), jac=True, method="L-BFGS-B", options={"maxiter": 60}).x
    return found[:-1], float(found[-1])


def store(weights: NDArray[np.float64], bias: float, path: Path) -> None:
    scale = float(np.abs(weights).max()) / 127
    rounded = np.round(weights / scale).astype(np.int8)
    save_file({"weights": rounded, "scale": np.array([scale, bias], dtype=np.float32)}, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--dev", nargs="*", default=DEV, help="parts of names of styles")
    parser.add_argument("--pull", type=float, default=3.0)
    parser.add_argument("--share", type=float, default=0.7)
    options = parser.parse_args()
    texts = [text for text in marked_texts() if text.about == "e"]
    dev = [text for text in texts if any(name in text.style for name in options.dev)]
    learnt = [text for text in texts if text not in dev]
    rows, signs = rows_of(learnt)
    weights, bias = fit(rows, signs, options.pull)
    own, wanted = rows_of(dev)
    for name, (seen, right) in {"learnt": (rows, signs), "not learnt": (own, wanted)}.items():
        logits = right * (seen @ weights + bias)
        losses = {share: float(np.logaddexp(0, -share * logits).mean()) for share in (0.2, 0.3, 0.4, 0.5, 0.7, 1.0)}
        told = ", ".join(f"{share}: {loss:.3f}" for share, loss in losses.items())
        print(f"{name}: {len(right)} aspects, right {(logits > 0).mean():.3f}, loss by share {told}")
    store(weights * options.share, bias * options.share, options.out)


if __name__ == "__main__":
    main()
