"""Addresses of version 1, below /api/v1/.

An id of end users and items is any text of the imported data, so it may hold a slash. What follows an id in an address
comes first here: an id that ends like that can be told apart by no server, since all of them see it decoded.
"""

from uuid import UUID

from django.urls import path, register_converter

from recommender.api.v1.batch import BatchView
from recommender.api.v1.catalog_data import EndUsersView, ImportView, ItemsView
from recommender.api.v1.catalogs import CatalogsView
from recommender.api.v1.disputes import DisputesView, DisputeView
from recommender.api.v1.events import EventsView
from recommender.api.v1.experiments import (
    ExperimentsView,
    ExperimentView,
    StartExperimentView,
    StopExperimentView,
    WriteExperimentView,
)
from recommender.api.v1.explanations import ExplanationView, ItemExplanationView, UserExplanationView
from recommender.api.v1.people import ItemView, PersonView
from recommender.api.v1.recommendations import RecommendationsView, RecommendationView
from recommender.api.v1.rules import RulesView, RuleView
from recommender.api.v1.schema import DocsView, SchemaView
from recommender.api.v1.session import SessionView
from recommender.api.v1.similar import SimilarView


class AnyUUID:
    """A UUID in small or capital letters, or both (RFC 9562, 4)."""

    regex = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

    def to_python(self, value: str) -> UUID:
        return UUID(value)

    def to_url(self, value: UUID) -> str:
        return str(value)


register_converter(AnyUUID, "anyuuid")
_USER, _ITEM = "catalogs/<str:catalog>/users/<path:user_id>", "catalogs/<str:catalog>/items/<path:item_id>"

urlpatterns = [
    path("catalogs/<str:catalog>/recommendations", SessionView.as_view(), name="session"),
    path("catalogs/<str:catalog>/recommendations:batch", BatchView.as_view(), name="batch"),
    path("catalogs/<str:catalog>/rules", RulesView.as_view(), name="rules"),
    path("catalogs/<str:catalog>/rules/<int:rule_id>", RuleView.as_view(), name="rule"),
    path("catalogs/<str:catalog>/experiments", ExperimentsView.as_view(), name="experiments"),
    path("catalogs/<str:catalog>/experiments:write", WriteExperimentView.as_view(), name="write_experiment"),
    path("catalogs/<str:catalog>/experiments/<slug:key>:start", StartExperimentView.as_view(), name="start_experiment"),
    path("catalogs/<str:catalog>/experiments/<slug:key>:stop", StopExperimentView.as_view(), name="stop_experiment"),
    path("catalogs/<str:catalog>/experiments/<slug:key>", ExperimentView.as_view(), name="experiment"),
    path("catalogs", CatalogsView.as_view(), name="catalogs"),
    path("catalogs/<str:catalog>/events:batch", EventsView.as_view(), name="events"),
    path("catalogs/<str:catalog>/items:batch", ItemsView.as_view(), name="items"),
    path("catalogs/<str:catalog>/users:batch", EndUsersView.as_view(), name="users"),
    path("catalogs/<str:catalog>/import", ImportView.as_view(), name="import"),
    path(f"{_USER}/recommendations", RecommendationsView.as_view(), name="recommendations"),
    path(f"{_USER}/explanation", UserExplanationView.as_view(), name="user_explanation"),
    path(_USER, PersonView.as_view(), name="person"),
    path(f"{_ITEM}/explanation", ItemExplanationView.as_view(), name="item_explanation"),
    path(f"{_ITEM}/similar", SimilarView.as_view(), name="similar"),
    path(_ITEM, ItemView.as_view(), name="item"),
    path("recommendations/<anyuuid:recommendation_id>", RecommendationView.as_view(), name="recommendation"),
    path("explanations/<int:explanation_id>/disputes", DisputesView.as_view(), name="disputes"),
    path("explanations/<int:explanation_id>", ExplanationView.as_view(), name="explanation"),
    path("disputes/<anyuuid:dispute_id>", DisputeView.as_view(), name="dispute"),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(), name="docs"),
]
