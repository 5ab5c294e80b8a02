"""What a running installation counts, for Prometheus (docs/operations.md). No label names a person, item or catalog."""

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY = CollectorRegistry()

REQUESTS = Histogram(
    "r4web_request_seconds",
    "Seconds from a request's arrival to its answer.",
    ("route", "method", "status"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=REGISTRY,
)
LISTS = Counter(
    "r4web_lists",
    "Lists served over REST, pages of a list included.",
    ("scenario", "source", "degraded_code", "experiment", "variant"),
    registry=REGISTRY,
)
EVENTS = Counter(
    "r4web_events", "Events that were sent, by what became of them.", ("type", "outcome"), registry=REGISTRY
)
DECISIONS = Counter("r4web_decisions", "Decisions of reviews.", ("verdict",), registry=REGISTRY)
CACHES = Counter(
    "r4web_cache_reads", "Reads of what a process keeps: found, or made anew.", ("cache", "outcome"), registry=REGISTRY
)
REPLICA_READS = Counter(
    "r4web_replica_reads",
    "Counts over a whole catalog where a replica is named: by it, or by the primary, and why.",
    ("outcome",),
    registry=REGISTRY,
)
NONE = "none"  # a label's value where there is nothing to name
