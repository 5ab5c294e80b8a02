"""R4Web's settings, and one address more: what benchmarks/serving.py measures everything by. For any commit."""

from r4web.settings import *  # noqa: F403

ROOT_URLCONF = "served_addresses"
