"""The greatest inner products are those of computing all in float64, with the kernel and without, ties included."""

import ctypes
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender import compiling
from recommender.signals import nearest
from recommender.signals.nearest import Rows

HERE = [name for name, needed in compiling.PROCESSORS.items() if needed <= compiling.can_do()]
COMPILED = HERE if compiling.compiler() else []
compiled_only = pytest.mark.skipif(not COMPILED, reason="there is no C++ compiler, or no processor for the kernels")


@pytest.fixture(scope="module", params=["numpy", *COMPILED])
def library(request, tmp_path_factory):
    if request.param == "numpy":
        return None
    built = tmp_path_factory.mktemp("kernels") / "made.so"
    compiling.compile_library(str(compiling.compiler()), [nearest.SOURCE], built, [f"-march={request.param}"])
    made = ctypes.CDLL(str(built))
    assert nearest._works(made)
    return made


def expected(vectors, base, own, mask, count):
    """By all products, each summed in float64 from the first number to the last."""
    products = np.zeros(len(vectors)) if base is None else base.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(vectors.shape[1]):
            products = products + vectors[:, k].astype(np.float64) * np.float64(own[k])
    places = np.flatnonzero(mask & np.isfinite(products))
    return places[np.argsort(-products[places], kind="stable")][:count].tolist()


def drawn(draw, rows, width, kind):
    """Vectors, what is added, and one to multiply with; of kinds that rounding to a byte suits, or does not."""
    vectors, base, own = draw.normal(size=(rows, width)), draw.uniform(size=rows), draw.normal(size=width)
    if kind == "columns of unlike sizes":
        vectors, own = vectors * 10.0 ** -draw.integers(0, 9, width), own * 10.0 ** draw.integers(0, 9, width)
    elif kind == "rows of unlike sizes":
        vectors, base = vectors * 10.0 ** draw.integers(-9, 3, (rows, 1)), base * 0
    elif kind == "many equal":
        vectors, base, own = np.round(vectors), np.round(base), np.round(own)
    elif kind == "one number each":
        vectors = vectors * (np.arange(width) == draw.integers(0, width, (rows, 1)))
    elif kind == "hardly unlike":
        vectors, base = vectors[:1] + 1e-6 * vectors, base * 1e-7
    elif kind == "nearly cancelled":
        vectors[:, 1::2] = -vectors[:, : width // 2 * 2 : 2] * (1 + 1e-6 * vectors[:, : width // 2 * 2 : 2])
        own, base = np.ones(width), base * 0
    elif kind == "ever greater":
        base = np.arange(rows) / 10
    elif kind == "tiny":
        vectors, base, own = vectors * 1e-25, base * 1e-40, own * 1e-20
    elif kind == "huge":
        vectors, own = vectors * 1e25, own * 1e20
    elif kind == "zeros":
        vectors, own = vectors * (draw.random((rows, 1)) < 0.3), own * (draw.random() < 0.5)
    elif kind == "no number":
        vectors[draw.integers(0, rows)] = np.nan
        base[draw.integers(0, rows)] = np.inf
    return vectors.astype(np.float32), base.astype(np.float32), own.astype(np.float32)


KINDS = ("any", "columns of unlike sizes", "rows of unlike sizes", "many equal", "one number each", "hardly unlike")
KINDS += ("nearly cancelled", "ever greater", "tiny", "huge", "zeros", "no number")


@given(
    seed=st.integers(0, 2**32),
    rows=st.sampled_from([1, 15, 63, 64, 65, 129, 700, 5_000]),
    width=st.sampled_from([1, 2, 7, 32, 119]),
    kind=st.sampled_from(KINDS),
    with_base=st.booleans(),
    count=st.sampled_from([0, 1, 2, 20, 64, 500, 10_000]),
    share=st.sampled_from([0.0, 0.02, 0.5, 1.0]),
)
def test_the_greatest_are_those_of_all_products_in_float64(library, seed, rows, width, kind, with_base, count, share):
    draw = np.random.default_rng(seed)
    vectors, base, own = drawn(draw, rows, width, kind)
    kept, mask = base if with_base else None, draw.random(rows) < share
    found = Rows(vectors, kept).greatest(own, mask, count, library=library)
    assert found.tolist() == expected(vectors, kept, own, mask, count)


def test_of_equal_products_the_first_rows_come_first(library):
    draw = np.random.default_rng(3)
    kinds = draw.normal(size=(4, 32)).astype(np.float32)
    vectors, mask = kinds[draw.integers(0, 4, 20_000)], np.ones(20_000, dtype=np.bool_)
    best = int(np.argmax(kinds @ kinds[0]))
    found = Rows(vectors).greatest(kinds[0], mask, 300, library=library)
    assert found.tolist() == np.flatnonzero((vectors == kinds[best]).all(axis=1))[:300].tolist()


def test_vectors_and_masks_that_do_not_fit_are_refused(library):
    rows = Rows(np.ones((5, 3), dtype=np.float32))
    with pytest.raises(ValueError, match=r"A mask \(4,\)"):
        rows.greatest(np.ones(3, dtype=np.float32), np.ones(4, dtype=np.bool_), 1, library=library)
    with pytest.raises(ValueError, match=r"a vector \(2,\)"):
        rows.greatest(np.ones(2, dtype=np.float32), np.ones(5, dtype=np.bool_), 1, library=library)


def test_the_copy_is_off_by_half_a_step_at_most():
    vectors, _, _ = drawn(np.random.default_rng(1), 1_000, 32, "columns of unlike sizes")
    made = Rows(vectors)._codes
    assert made is not None
    codes = made.codes.transpose(0, 2, 1).reshape(-1, 32)[:1_000].astype(np.float64)
    steps = made.scale[:1_000, None].astype(np.float64) * made.column
    assert np.abs(codes * steps - vectors).max(axis=1).max() > 0
    assert (np.abs(codes * steps - vectors) <= 0.5 * steps * (1 + 1e-9)).all()


@compiled_only
def test_the_kernel_answers_where_numbers_are_as_they_are(library):
    """Else the comparisons above were of numpy with numpy."""
    if library is None:
        return
    vectors, base, own = drawn(np.random.default_rng(0), 300, 32, "any")
    assert Rows(vectors, base)._compiled(own, np.ones(300, dtype=np.bool_), 5, library) is not None


@compiled_only
def test_a_kernel_that_misses_an_item_is_not_used(tmp_path, caplog):
    source = tmp_path / "nearest.cpp"
    source.write_text(nearest.SOURCE.read_text().replace("(sum[i] + half)", "(sum[i] - half)"))
    compiling.compile_library(str(compiling.compiler()), [source], tmp_path / "made.so", [f"-march={HERE[0]}"])
    assert not nearest._works(ctypes.CDLL(str(tmp_path / "made.so")))
    assert "does not find" in caplog.text


@compiled_only
def test_a_library_of_an_earlier_release_has_no_such_kernel(tmp_path):
    (tmp_path / "other.cpp").write_text('extern "C" int other() { return 1; }')
    compiling.compile_library(str(compiling.compiler()), [tmp_path / "other.cpp"], tmp_path / "made.so", [])
    library = ctypes.CDLL(str(tmp_path / "made.so"))
    rows = Rows(np.eye(3, dtype=np.float32))
    found = rows.greatest(np.arange(3, dtype=np.float32), np.ones(3, dtype=np.bool_), 2, library=library)
    assert found.tolist() == [2, 1]


@compiled_only
def test_the_kernel_compiles_without_warnings():
    command = [str(compiling.compiler()), *compiling.FLAGS, "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    subprocess.run([*command, f"-march={HERE[0]}", str(nearest.SOURCE)], check=True)
