"""The pages people use. The top bar shows `queue`, `rounds`, `backbones` and `insights` to the roles that may see them."""

from django.urls import URLPattern, URLResolver

app_name = "reviews"
urlpatterns: list[URLPattern | URLResolver] = []
