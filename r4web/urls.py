"""All addresses of R4Web."""

from django.urls import URLPattern, URLResolver, include, path

from r4web import health, metrics
from reviews.pages.home import outside, second_factor, sign_in, views

handler400 = "r4web.problems.bad_request"
handler404 = "r4web.problems.not_found"
handler500 = "r4web.problems.server_error"
urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", include("recommender.api.urls")),  # first: they are tried in turn, and programs ask most
    path("", views.home, name="home"),
    path("sign-in/", sign_in.SignIn.as_view(), name="login"),
    path("sign-in/code/", second_factor.sign_in_code, name="sign_in_code"),
    path("sign-in/outside/", outside.begin, name="outside"),
    path("sign-in/outside/back/", outside.back, name="outside_back"),
    path("sign-out/", sign_in.SignOut.as_view(), name="logout"),
    path("password/", sign_in.change_password, name="password_change"),
    path("second-factor/", second_factor.page, name="second_factor"),
    path("second-factor/codes/", second_factor.new_codes, name="new_recovery_codes"),
    path("second-factor/off/", second_factor.switch_off, name="second_factor_off"),
    path("theme/", views.theme, name="theme"),
    path("healthz/live", health.live, name="live"),
    path("healthz/ready", health.ready, name="ready"),
    path("metrics", metrics.metrics, name="metrics"),
    path("", include("reviews.urls")),
]
