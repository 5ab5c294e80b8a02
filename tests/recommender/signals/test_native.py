"""The compiled kernel says of rows what posterior says of them in float64, to the rounding of float32."""

import ctypes
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from recommender import compiling
from recommender.signals import native, posterior
from recommender.signals.folds import FOLDS
from recommender.signals.gaussian_process import GaussianProcess
from recommender.signals.protocol import Candidates

ITEMS, RANK = 90, 5
HERE = [name for name, needed in compiling.PROCESSORS.items() if needed <= compiling.can_do()]
pytestmark = pytest.mark.skipif(
    compiling.compiler() is None or not HERE, reason="there is no C++ compiler, or no processor for the kernels"
)


@pytest.fixture(scope="module", params=HERE)
def kernel(request, tmp_path_factory):
    built = tmp_path_factory.mktemp("kernels") / "made.so"
    compiling.compile_library(str(compiling.compiler()), native.SOURCES, built, [f"-march={request.param}"])
    return native.Kernel(ctypes.CDLL(str(built)))


def process(spaces=2, amplitudes=(0.06, 0.0, 0.1)):
    """Spaces of unlike widths; of some items there is no text, of none of those that nobody knows."""
    draw = np.random.default_rng(5)
    made = []
    for width in (4, 7, 33, 1, 2, 3, 5, 6)[:spaces]:
        space = draw.normal(size=(ITEMS + 1, width)).astype(np.float32)
        space /= np.linalg.norm(space, axis=1, keepdims=True)
        space[[2, 40, ITEMS]] = 0.0
        made.append(space)
    return GaussianProcess(
        mean=draw.uniform(0.2, 0.8, (FOLDS, ITEMS + 1)).astype(np.float32),
        factors=draw.normal(0, 0.4, (FOLDS, ITEMS + 1, RANK)).astype(np.float32),
        columns=np.array([0, 1, 2]),
        spaces=made,
        amplitudes=list(amplitudes[:spaces]),
    )


def candidates(history, asked):
    """Some of the history is unknown, some of it met twice; -1 is an item nobody knows."""
    draw = np.random.default_rng(history)
    item = np.arange(asked) % (ITEMS + 1) - 1
    return Candidates(
        "u001",
        met=draw.integers(-1, ITEMS, history),
        liked=draw.integers(-1, 2, history).astype(np.int8),
        item=item,
        end_user_text=0,
        item_text=item,
    )


@pytest.mark.parametrize("spaces", [0, 3])
@pytest.mark.parametrize("history", [0, 1, 15, 16, 17, 106, 400])
@pytest.mark.parametrize("asked", [1, 90])
def test_columns_are_those_of_float64_no_worse_than_numpys(kernel, spaces, history, asked):
    plain, given = process(spaces), candidates(history, asked)
    exact = plain._columns(posterior.read(plain._after(given)))[history:]
    found, of_numpy = replace(plain, compiled=kernel).read(given), plain.read(given)
    np.testing.assert_allclose(found, exact, rtol=1e-5, atol=1e-4)
    assert np.abs(found - exact).max() <= 3 * np.abs(of_numpy - exact).max() + 2e-5


@pytest.mark.parametrize("spaces", [0, 3])
@pytest.mark.parametrize(("history", "left"), [(0, 0), (1, 1), (15, 4), (16, 16), (17, 17), (106, 30), (400, 3)])
@pytest.mark.parametrize("asked", [1, 90])
def test_without_an_entry_columns_are_those_of_float64_after_the_history_that_is_shorter(
    kernel, spaces, history, left, asked
):
    plain, given = process(spaces), candidates(history, asked)
    places = np.arange(history - left, history)
    found = replace(plain, compiled=kernel).read_without(given, places)
    of_numpy = plain.read_without(given, places)
    shorter = [given]
    for place in places:
        met, liked = (np.delete(each, place) for each in (given.met, given.liked))
        shorter.append(replace(given, met=met, liked=liked))
    exact = [plain._columns(posterior.read(plain._after(one)))[len(one.met) :] for one in shorter]

    np.testing.assert_allclose(found, exact, rtol=1e-5, atol=5e-5)
    for expected in (exact, of_numpy):  # what each entry did
        np.testing.assert_allclose(found[1:] - found[:1], np.subtract(expected, expected[0])[1:], rtol=1e-5, atol=1e-5)


def test_places_that_are_not_the_last_are_numpys(kernel):
    plain, given = process(), candidates(9, 4)
    places = np.array([0, 7])
    np.testing.assert_array_equal(
        replace(plain, compiled=kernel).read_without(given, places), plain.read_without(given, places)
    )


def test_what_the_history_says_reaches_the_columns(kernel):
    compiled = replace(process(), compiled=kernel)
    some = candidates(30, 64)
    turned = replace(some, liked=np.where(some.liked < 0, some.liked, 1 - some.liked).astype(np.int8))
    assert np.abs(compiled.read(some) - compiled.read(turned))[:, [0, 2]].min(axis=0).max() > 0
    assert np.abs(compiled.read(some)[:, 1] - compiled.read(turned)[:, 1]).max() < 1e-6  # what is liked says how sure


def test_items_that_are_not_there_are_refused(kernel):
    compiled = replace(process(), compiled=kernel)
    with pytest.raises(IndexError, match=f"to {ITEMS + 1} of {ITEMS + 1}"):
        compiled.read(replace(candidates(3, 2), item=np.array([0, ITEMS + 1])))


def test_where_the_kernel_has_no_answer_numpy_reads(kernel, monkeypatch):
    plain, given = process(), candidates(8, 4)
    monkeypatch.setattr(native, "MOST_SPACES", 0)
    np.testing.assert_array_equal(replace(plain, compiled=kernel).read(given), plain.read(given))


def test_as_many_spaces_as_there_may_be_are_read(kernel):
    plain, given = process(native.MOST_SPACES, [0.01] * native.MOST_SPACES), candidates(20, 40)
    compiled, places = replace(plain, compiled=kernel), np.array([18, 19])
    np.testing.assert_allclose(compiled.read(given), plain.read(given), rtol=1e-5, atol=1e-4)
    found, expected = compiled.read_without(given, places), plain.read_without(given, places)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=5e-5)


def test_covariances_without_a_factor_have_no_answer(kernel):
    history = native.History(np.array([0]), np.array([0.5]), np.array([-9.0]))
    told = native.Told(np.ones((2, 1), dtype=np.float32), [], [], 0.1)
    assert kernel.read(history, np.array([1]), told) is None
    assert kernel.read_without(history, 1, np.array([1]), told) is None


def test_the_kernel_compiles_without_warnings():
    command = [str(compiling.compiler()), *compiling.FLAGS, "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    subprocess.run([*command, f"-march={HERE[0]}", *map(str, native.SOURCES)], check=True)
