"""Every setting of R4Web, read from the environment in one place (docs/settings.md)."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from r4web import embedded, environment
from recommender import jobs, private_files
from recommender.llm import weights

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = environment.folder("R4_VAR", BASE_DIR / "var")
private_files.keep(VAR_DIR)
PORT = environment.integer("R4_PORT", 8000)
# A connection stays with the process that took it: twice the cores share them better, where memory and start allow it.
WEB_PROCESSES = environment.integer("R4_WEB_PROCESSES", max(2, os.cpu_count() or 1))

# Bars of libraries (tqdm's of transformers, huggingface_hub's) belong in no log; set before anything loads them. What
# takes long shows its own.
for _bars in ("TQDM_DISABLE", "HF_HUB_DISABLE_PROGRESS_BARS"):
    os.environ.setdefault(_bars, "1")

DEMO = environment.flag("R4_DEMO", default=True)  # `up` sets a sample catalog up

DEBUG = environment.flag("R4_DEBUG", default=False)
SECRET_KEY = environment.text("R4_SECRET_KEY") or embedded.secret_key(VAR_DIR)
ALLOWED_HOSTS = environment.names("R4_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = environment.names("R4_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "axes",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "r4web.apps.R4WebConfig",
    "recommender",
    "reviews",
    "worker",
]
MIDDLEWARE = [
    "r4web.metrics.timed",
    "recommender.api.middleware.identified",
    "recommender.api.middleware.Compressed",
    "django.middleware.security.SecurityMiddleware",
    "recommender.api.direct.directly",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "recommender.accounts.audit.of_requests",
    "recommender.accounts.sessions.end_idle_ones",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "r4web.problems.words_for_wrong_methods",
]
ROOT_URLCONF = "r4web.urls"
WSGI_APPLICATION = "r4web.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    },
    {  # the card: hundreds of nodes for every decision (docs/decisions/0019-jinja-for-the-card.md)
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "NAME": "card",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "environment": "reviews.templatetags.card.environment",
            "context_processors": ["django.contrib.messages.context_processors.messages"],
        },
    },
]

# --- database: SQLite in WAL mode by default, PostgreSQL by DATABASE_URL -------------------------------------------
DATABASES = {"default": environment.database("DATABASE_URL", f"sqlite:///{VAR_DIR / 'r4web.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 30,  # seconds a writer waits for the one write lock
        "transaction_mode": "IMMEDIATE",  # take it at BEGIN: a later upgrade would fail without waiting
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
        f"PRAGMA cache_size={-1024 * environment.integer('R4_SQLITE_CACHE_MB', 64)};",
    }
else:  # seconds; psycopg's 130 would hold every thread, while an answer of 503 lets callers come again
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
if environment.given("DATABASE_REPLICA_URL"):  # what is counted over a whole catalog (recommender/replica.py)
    DATABASES["replica"] = environment.replica("DATABASE_REPLICA_URL", of=DATABASES["default"])
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- jobs ---------------------------------------------------------------------------------------------------------
BROKER_IS_EMBEDDED = not environment.text("REDIS_URL")
REDIS_URL = environment.text("REDIS_URL") or embedded.broker_url(VAR_DIR)
CELERY_BROKER_URL = REDIS_URL
# Redis hands an unacknowledged job out again after visibility_timeout; by default kombu looks only every ~100 s.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 3,
    # A page that asks for a job while the broker is down waits this long (seconds), not kombu's six.
    "connect_retries_timeout": 1,
    "interval_start": 0.2,
    "interval_step": 0.2,
    "interval_max": 0.4,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = jobs.Queue.LLM.value
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "run" / "beat")
CELERY_BEAT_SCHEDULE = {
    # A sweep that no worker took before the next one is due is of no use any more.
    "sweep-rounds": {"task": jobs.SWEEP_ROUNDS.name, "schedule": 30.0, "options": {"expires": 30}},
    "read-statements": {"task": jobs.READ_STATEMENTS.name, "schedule": 60.0, "options": {"expires": 60}},
    "find-meanings": {
        "task": jobs.FIND_MEANINGS.name,
        "schedule": 60.0,
        "options": {"expires": 60, "queue": jobs.FIND_MEANINGS.queue.value},
    },
    "open-disputed": {"task": jobs.OPEN_DISPUTED.name, "schedule": 60.0, "options": {"expires": 60}},
    "open-said": {"task": jobs.OPEN_SAID.name, "schedule": 60.0, "options": {"expires": 60}},
    "sweep-runs": {"task": jobs.SWEEP_RUNS.name, "schedule": 60.0, "options": {"expires": 60}},
    "deliver-webhooks": {"task": jobs.DELIVER_WEBHOOKS.name, "schedule": 10.0, "options": {"expires": 10}},
    "watch-models": {"task": jobs.WATCH_MODELS.name, "schedule": 60.0, "options": {"expires": 60}},
    "rebuild-models": {"task": jobs.REBUILD_MODELS.name, "schedule": 60.0, "options": {"expires": 60}},
    "clear-accounts": {"task": jobs.CLEAR_ACCOUNTS.name, "schedule": 3600.0, "options": {"expires": 3600}},
    "clear-old": {"task": jobs.CLEAR_OLD.name, "schedule": 600.0, "options": {"expires": 600}},
}

# --- LLM endpoints: the embedded one unless told otherwise ----------------------------------------------------------
LOCAL_LLM = weights.settled(
    environment.text("R4_LLM")
)  # smollm2, or the path of a GGUF: llama.cpp serves it as the embedded endpoint
LOCAL_LLM_NAME = weights.name_of(LOCAL_LLM)
LOCAL_LLM_THREADS = environment.integer("R4_LLM_THREADS", max(1, (os.cpu_count() or 1) // 2))
ENDPOINT_PORT = environment.integer("R4_ENDPOINT_PORT", PORT + 1)
Endpoint = dict[str, object]
EMBEDDED_ENDPOINT_URL = f"http://127.0.0.1:{ENDPOINT_PORT}/v1"


def _endpoint(role: str, *, base_url: str = EMBEDDED_ENDPOINT_URL, model: str = "", api_key: str = "none") -> Endpoint:
    prefix = f"R4_{role.upper()}_"
    most_tokens, timeout, concurrency = (160, 600.0, 1) if LOCAL_LLM else (1024, 120.0, 64)
    return {
        "base_url": environment.text(f"{prefix}BASE_URL", base_url),
        "model": environment.text(f"{prefix}MODEL", model or LOCAL_LLM_NAME or f"r4-demo-{role}"),
        "api_key": environment.text(f"{prefix}API_KEY", api_key),
        "temperature": environment.number_or_nothing(f"{prefix}TEMPERATURE", 0.0),  # None of these three: not sent
        "top_p": environment.number_or_nothing(f"{prefix}TOP_P", 1.0),
        "max_tokens": environment.integer_or_nothing(f"{prefix}MAX_TOKENS", most_tokens),
        "timeout": environment.number(f"{prefix}TIMEOUT", timeout),  # seconds
        "concurrency": environment.integer(f"{prefix}CONCURRENCY", concurrency),
        "structured": environment.text(f"{prefix}STRUCTURED", "auto"),  # auto | json_schema | tags
        # What a million tokens cost, read and written, in whatever currency; 0: nobody counts it.
        "price_read": environment.number(f"{prefix}PRICE_READ", 0.0),
        "price_written": environment.number(f"{prefix}PRICE_WRITTEN", 0.0),
    }


def _scorer(actor: Endpoint) -> Endpoint:
    """The actor's endpoint, model and key unless told otherwise."""
    url, model, key = (str(actor[name]) for name in ("base_url", "model", "api_key"))
    return _endpoint("scorer", base_url=url, model=model, api_key=key)


def _teacher(actor: Endpoint) -> Endpoint:
    """The actor's endpoint and model unless told otherwise; the embedded endpoint has a model of its own for it."""
    url, model, key = (str(actor[name]) for name in ("base_url", "model", "api_key"))
    return _endpoint("teacher", base_url=url, model="" if model == "r4-demo-actor" else model, api_key=key)


LLM = {"actor": _endpoint("actor"), "reflector": _endpoint("reflector")}
LLM["teacher"] = _teacher(LLM["actor"])
LLM["scorer"] = _scorer(LLM["actor"])
# What questions look like: the full prompts, or short ones for a small model or context.
_LAYOUTS = ("COMPACT", "FULL") if LOCAL_LLM else ("FULL", "COMPACT")  # the first by default
PROMPTS: Literal["full", "compact"] = "compact" if environment.choice("R4_PROMPTS", _LAYOUTS) == "COMPACT" else "full"
FIRST_ROUNDS = environment.integer("R4_FIRST_ROUNDS", 3 if LOCAL_LLM else 100)  # users, and as many items, of `up`
ROUND_REFINEMENTS = environment.integer("R4_REFINEMENTS", 2)
ROUND_DRAFTS = environment.integer("R4_DRAFTS", 3)  # of a round whose drafts are filtered
POINTS = environment.choice("R4_POINTS", ("NOBODY", "WITH_TEXT", "AFTERWARDS")).lower()  # who lists what a text states
DRAFT_TEMPERATURE = environment.number("R4_DRAFT_TEMPERATURE", 0.8)
LOW_ACTIVITY = environment.integer("R4_LOW_ACTIVITY", 0)  # end users with fewer interactions get no round; 0: all do

# --- serving: recommender.serving.steering -----------------------------------------------------------------------
STEERING = environment.number("R4_STEERING", 1.0)  # how strongly approved statements move lists; 0: not at all
# Items that are ranked for one list of a catalog of more than 1,000 (serving.retrieve); smaller ones are ranked whole.
CANDIDATES = environment.integer("R4_CANDIDATES", 500)
# Kernels that are compiled beside a version and that web processes run: artifacts.kernels.
KERNELS = environment.flag("R4_KERNELS", True)
# Seconds that a list of the scenario thinkrec may wait for the scorer's endpoint where none was computed; 0: none.
THINKREC_SECONDS = environment.number("R4_THINKREC_SECONDS", 0.0)

# --- knowledge encoder: recommender.knowledge.encoder_choice ----------------------------------------------------
ENCODER = environment.text("R4_ENCODER", "minilm")  # or a short name, or a folder or hub name for transformers
ENCODER_POOLING = environment.text("R4_ENCODER_POOLING")  # mean | cls; empty: the encoder's own
ENCODER_MAX_TOKENS = environment.integer("R4_ENCODER_MAX_TOKENS", 0)  # 0: as many as the encoder can read
ENCODER_BATCH = environment.integer("R4_ENCODER_BATCH", 32)

# --- promotion: what a backbone must show before it takes over ----------------------------------------------------
GATES = {
    "gauc_margin": environment.number("R4_GATE_GAUC_MARGIN", 0.002),  # worse than the active one by at most that
    "ndcg_margin": environment.number("R4_GATE_NDCG_MARGIN", 0.002),
    "latency_ms": environment.number("R4_GATE_LATENCY_MS", 250.0),  # 95 % of rankings take at most that
}
GATE_END_USERS = environment.integer("R4_GATE_END_USERS", 2000)  # that are tested, at most
RECEIPT_END_USERS = environment.integer("R4_RECEIPT_END_USERS", 1000)  # whose lists an impact receipt compares, at most

# --- privacy: how long is kept what was said and served (docs/privacy.md); 0: for ever ------------------------------
KEEP_SERVED_DAYS = environment.integer("R4_KEEP_SERVED_DAYS", 0)
KEEP_CALLS_DAYS = environment.integer("R4_KEEP_CALLS_DAYS", 0)
KEEP_EVENTS_DAYS = environment.integer("R4_KEEP_EVENTS_DAYS", 0)
KEEP_UNSENT_DAYS = environment.integer("R4_KEEP_UNSENT_DAYS", 30)
KEEP_WEBHOOKS_DAYS = environment.integer("R4_KEEP_WEBHOOKS_DAYS", 30)

# --- people -------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "recommender.Account"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
PROXIES = environment.integer("R4_PROXIES", 0)  # whose X-Forwarded-For is believed
SESSION_ENGINE = "recommender.accounts.sessions"
SESSION_IDLE = environment.integer("R4_SESSION_IDLE", 8 * 60) * 60  # seconds; 0: no limit
AUDIT_DAYS = environment.integer("R4_AUDIT_DAYS", 0)  # 0: kept
AUDIT_SIGN_IN_DAYS = environment.integer("R4_AUDIT_SIGN_IN_DAYS", 90)
# Wrong sign-ins: counted by django-axes in the database, by the rules of recommender.accounts.throttle.
SIGN_IN_TRIES = environment.integer("R4_SIGN_IN_TRIES", 5)
SIGN_IN_WAIT = environment.integer("R4_SIGN_IN_WAIT", 300)  # seconds
AUTHENTICATION_BACKENDS = ["recommender.accounts.throttle.Backend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["recommender.accounts.hashing.BoundedHasher"]
PARALLEL_HASHES = environment.integer("R4_PARALLEL_HASHES", 1)  # on one machine
AXES_HANDLER = "recommender.accounts.throttle.Handler"
AXES_CLIENT_IP_CALLABLE = "recommender.accounts.address.network_of"
AXES_FAILURE_LIMIT = SIGN_IN_TRIES
AXES_COOLOFF_TIME = timedelta(seconds=SIGN_IN_WAIT)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # what a right password forgives
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True  # the audit log has it
# What it stores of a form stars out what was typed into these.
AXES_SENSITIVE_PARAMETERS = [
    "username",
    "ip_address",
    "csrfmiddlewaretoken",
    "old_password",
    "new_password1",
    "new_password2",
    "code",
]
AXES_ENABLE_ADMIN = AXES_VERBOSE = False

SECOND_FACTOR = environment.choice("R4_SECOND_FACTOR", ("OPTIONAL", "LEADS"))  # who must have one
# Signing in by an OpenID provider: on where all three are given (recommender.accounts.openid).
OIDC_ISSUER = environment.text("R4_OIDC_ISSUER")
OIDC_CLIENT_ID = environment.text("R4_OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = environment.text("R4_OIDC_CLIENT_SECRET")
OIDC_NAME = environment.text("R4_OIDC_NAME", urlsplit(OIDC_ISSUER).netloc)  # what the button says

METRICS_TOKEN = environment.text("R4_METRICS_TOKEN")  # who has it reads /metrics; empty: programs of this machine

# --- HTTPS, which a proxy terminates --------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = environment.flag("R4_HTTPS", default=False)
SECURE_SSL_REDIRECT = environment.flag("R4_HTTPS_REDIRECT", default=False)
SECURE_REDIRECT_EXEMPT = [r"^healthz/", r"^metrics$"]  # asked from inside, without the proxy
SECURE_PROXY_SSL_HEADER = environment.header("R4_PROXY_HEADER")
SECURE_HSTS_SECONDS = environment.integer("R4_HSTS_SECONDS", 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = environment.flag("R4_HSTS_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = environment.flag("R4_HSTS_PRELOAD", default=False)
SILENCED_SYSTEM_CHECKS = ["axes.W002"]  # its middleware answers in other words than the sign-in page
if environment.given("R4_HSTS_SUBDOMAINS"):
    SILENCED_SYSTEM_CHECKS.append("security.W005")
if environment.given("R4_HSTS_PRELOAD"):
    SILENCED_SYSTEM_CHECKS.append("security.W021")

# --- REST ---------------------------------------------------------------------------------------------------------
API_PER_MINUTE = environment.integer("R4_API_PER_MINUTE", 3000)  # requests of one token; 0: any number
ANSWERS_MB = environment.integer("R4_ANSWERS_MB", 32)  # MiB of lists that a web process keeps; 0: none
IMPORT_MB = environment.integer("R4_IMPORT_MB", 1024)  # MiB that one streamed import may send
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["recommender.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "recommender.api.authentication.HasScope",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "recommender.api.resource.Schema",
    "EXCEPTION_HANDLER": "recommender.api.problems.problem_json",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,  # `format` is no parameter of ours
}
SPECTACULAR_SETTINGS = {
    "TITLE": "R4Web",
    "DESCRIPTION": "Recommendations with their reasons.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    # Without its own hook choices stay where they are used: pulling them out needs a name for each.
    "POSTPROCESSING_HOOKS": ["recommender.api.openapi.finished"],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "defaultModelsExpandDepth": 0},  # shapes are shown with each address
}

# --- webhooks: recommender.webhooks --------------------------------------------------------------------------------
WEBHOOK_HTTP = environment.flag("R4_WEBHOOK_HTTP", default=False)  # plain http:// addresses may be told too
WEBHOOK_NETWORKS = environment.networks("R4_WEBHOOK_NETWORKS")  # that may be sent to although they are not public
WEBHOOK_TIMEOUT = environment.number("R4_WEBHOOK_TIMEOUT", 15.0)  # seconds for one attempt, all in all

# --- pages --------------------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

LOG_LEVELS = ("INFO", "DEBUG", "WARNING", "ERROR")  # the first by default
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"unnamed": {"()": "r4web.logs.Unnamed"}, "request": {"()": "r4web.logs.OfRequest"}},
    "formatters": {
        "line": {"()": "r4web.logs.Line", "format": "{asctime} {levelname} {name}{request} {message}", "style": "{"}
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["unnamed", "request"]}},
    "root": {"handlers": ["stderr"], "level": environment.choice("R4_LOG_LEVEL", LOG_LEVELS)},
    "loggers": {
        "httpx2": {"level": "WARNING"},  # otherwise one line for every LLM call
        "axes": {"level": "ERROR"},  # the audit log says the same, without what was typed
    },
}
