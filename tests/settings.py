"""R4Web's settings for tests: a folder of their own, cheap password hashes."""

import os
import tempfile

os.environ.setdefault("R4_VAR", tempfile.mkdtemp(prefix="r4web-test-"))
os.environ.setdefault("R4_SECRET_KEY", "tests-only")

from r4web.settings import *  # noqa: F403
from r4web.settings import DATABASES, VAR_DIR

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, not memory: live servers, worker threads and child processes open it too.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
