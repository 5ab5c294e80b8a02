"""R4Web's addresses, and the yardstick: what a token opens, answered with next to nothing."""

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from r4web.urls import handler400, handler500
from r4web.urls import urlpatterns as addresses
from recommender.api.resource import PrivateView
from recommender.models import TokenScope

__all__ = ["handler400", "handler500", "urlpatterns"]


class Yardstick(PrivateView):
    scope = TokenScope.RECOMMENDATIONS_READ

    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


urlpatterns = [path("api/v1/yardstick", Yardstick.as_view(), name="yardstick"), *addresses]
