"""What `/metrics` says of lists."""

from collections.abc import Callable
from typing import Any

from rest_framework.test import APIClient

from recommender.counters import LISTS, REGISTRY


def test_a_list_is_counted_by_what_made_it_whether_it_is_logged_or_not(
    api: APIClient, recommendations: Callable[..., dict[str, Any]]
) -> None:
    served = recommendations()
    labels = {name: served[name] for name in ("scenario", "source", "degraded_code")}
    labels |= {"experiment": "none", "variant": "none"}
    before = REGISTRY.get_sample_value("r4web_lists_total", labels)
    recommendations()
    address = "/api/v1/catalogs/films/users/u1/recommendations"
    assert api.get(address).status_code == 200
    assert api.get(address, {"scenario": "made-up"}).status_code == 400

    assert labels["degraded_code"] is not None
    assert before is not None
    assert REGISTRY.get_sample_value("r4web_lists_total", labels) == before + 2
    assert "made-up" not in str([sample.labels for metric in LISTS.collect() for sample in metric.samples])
