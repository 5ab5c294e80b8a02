"""Addresses of version 1, below /api/v1/."""

from django.urls import path

from recommender.api.v1.batch import BatchView
from recommender.api.v1.catalogs import CatalogsView
from recommender.api.v1.people import ItemView, PersonView
from recommender.api.v1.recommendations import RecommendationsView, RecommendationView
from recommender.api.v1.rules import RulesView, RuleView
from recommender.api.v1.schema import DocsView, SchemaView
from recommender.api.v1.session import SessionView
from recommender.api.v1.similar import SimilarView

urlpatterns = [
    path("catalogs/<str:catalog>/recommendations", SessionView.as_view(), name="session"),
    path("catalogs/<str:catalog>/recommendations:batch", BatchView.as_view(), name="batch"),
    path("catalogs/<str:catalog>/rules", RulesView.as_view(), name="rules"),
    path("catalogs/<str:catalog>/rules/<int:rule_id>", RuleView.as_view(), name="rule"),
    path("catalogs", CatalogsView.as_view(), name="catalogs"),
    # An end user's id is any text of the imported data, so it may hold a slash.
    path(
        "catalogs/<str:catalog>/users/<path:user_id>/recommendations",
        RecommendationsView.as_view(),
        name="recommendations",
    ),
    path("catalogs/<str:catalog>/users/<path:user_id>", PersonView.as_view(), name="person"),
    path("catalogs/<str:catalog>/items/<path:item_id>/similar", SimilarView.as_view(), name="similar"),
    path("catalogs/<str:catalog>/items/<path:item_id>", ItemView.as_view(), name="item"),
    path("recommendations/<uuid:recommendation_id>", RecommendationView.as_view(), name="recommendation"),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(), name="docs"),
]
