"""Addresses of the REST API, below /api/."""

from django.urls import include, path, re_path

from recommender.api.resource import UnknownPathView

app_name = "api"
urlpatterns = [
    path("v1/", include("recommender.api.v1.urls")),
    re_path(r"", UnknownPathView.as_view(), name="unknown"),
]
