"""R4Web's settings for tests: a folder and a broker database of their own, cheap password hashes."""

import os
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

if "R4_VAR" not in os.environ:
    os.environ["R4_VAR"] = tempfile.mkdtemp(prefix="r4t-")
os.environ.setdefault("R4_SECRET_KEY", "tests-only")

# pytest-xdist: each of its processes has a folder (files, broker socket) or a broker database of its own.
_process = os.environ.get("PYTEST_XDIST_WORKER", "")
if _process and Path(os.environ["R4_VAR"]).name != _process:
    os.environ["R4_VAR"] = str(Path(os.environ["R4_VAR"]) / _process)
    Path(os.environ["R4_VAR"]).mkdir(parents=True, exist_ok=True)
    if os.environ.get("REDIS_URL"):
        _number = _process.removeprefix("gw")
        os.environ["REDIS_URL"] = urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{_number}").geturl()

from r4web.settings import *  # noqa: E402, F403
from r4web.settings import DATABASES, VAR_DIR  # noqa: E402

(VAR_DIR / "static").mkdir(parents=True, exist_ok=True)  # WhiteNoise warns without it
KERNELS = False  # every training would compile; what tests them switches them on
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, not memory: live servers, worker threads and child processes open it too.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
