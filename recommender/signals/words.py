"""Which words texts are made of, beside what an encoder takes them to mean: a small encoder blurs the names in them.

Latent semantic analysis (Deerwester et al. 1990): words and pairs of neighbours, weighed by how few texts have them,
brought to the directions in which the texts differ most.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

WIDTH = 32
FEWEST_TEXTS = 2  # with a word; what one text alone says relates it to none
LARGEST_SHARE = 0.2  # of the texts with a word; what is in more of them says little
MOST_TERMS = 200_000
SEED = 1


def vectors(texts: Mapping[str, str]) -> dict[str, NDArray[np.float32]]:
    """Each text's vector (WIDTH) by its hash; zeros where it shares no telling word with another text."""
    from sklearn.decomposition import TruncatedSVD  # heavy: loaded by processes that train
    from sklearn.feature_extraction.text import TfidfVectorizer

    hashes = sorted(texts)
    made = np.zeros((len(hashes), WIDTH), dtype=np.float32)
    terms = TfidfVectorizer(
        ngram_range=(1, 2),
        sublinear_tf=True,
        min_df=FEWEST_TEXTS,
        max_df=max(FEWEST_TEXTS, int(LARGEST_SHARE * len(hashes))),
        max_features=MOST_TERMS,
    )
    try:
        counted = terms.fit_transform([texts[each] for each in hashes])
    except ValueError:  # no word is in two texts and in few enough
        return dict(zip(hashes, made, strict=True))
    width = min(WIDTH, *(side - 1 for side in counted.shape))
    if width > 0:
        made[:, :width] = TruncatedSVD(width, random_state=SEED).fit_transform(counted)
    return dict(zip(hashes, made, strict=True))
