import numpy as np

from recommender.measures.slices import slices


def test_slices_go_by_what_could_be_fitted_on():
    end_user = np.array([0] * 6 + [1] * 3)
    item = np.array([0, 0, 0, 1, 2, 0, 0, 1, 4])
    fitted = np.array([1, 1, 1, 1, 0, 0, 1, 0, 0], dtype=bool)
    rows = np.flatnonzero(~fitted)
    found = slices(end_user, item, fitted=fitted, rows=rows, items=5, cold_end_user=2, cold_item=4)

    assert found["all"].all()
    assert end_user[rows][found["cold end users"]].tolist() == [1, 1]
    assert item[rows][found["cold items"]].tolist() == [2, 1, 4]
    assert item[rows][found["head items"]].tolist() == [0]  # the most frequent one of five


def test_each_pair_of_slices_parts_all_rows():
    source = np.random.default_rng(0)
    end_user, item = np.sort(source.integers(0, 30, 500)), source.integers(0, 40, 500)
    fitted = source.random(500) < 0.7
    found = slices(end_user, item, fitted=fitted, rows=np.flatnonzero(~fitted), items=40)

    for one, other in (
        ("cold end users", "warm end users"),
        ("cold items", "warm items"),
        ("head items", "tail items"),
    ):
        assert (found[one] ^ found[other]).all()
