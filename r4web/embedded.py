"""Where the embedded services of one machine live. Values only: nothing is started here."""

import hashlib
import os
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

# A Unix socket's path may have at most 108 bytes (sun_path), the closing zero included.
LONGEST_SOCKET_PATH = 100


def broker_socket(var: Path) -> Path:
    """The embedded broker's socket: the same for every process that shares `var`."""
    inside = var / "run" / "valkey.sock"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_PATH:
        return inside
    short = hashlib.sha256(os.fsencode(var)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"r4web-{os.getuid()}-{short}" / "valkey.sock"


def broker_url(var: Path) -> str:
    return f"redis+socket://{broker_socket(var)}"


def secret_key(var: Path) -> str:
    """The signing key of an installation that was given none: made once, readable by its owner only."""
    path = var / "secret_key"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        try:
            var.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ImproperlyConfigured(
                f"R4_VAR must be a folder that can be made; {var} cannot: {error.strerror}."
            ) from error
        key = os.urandom(48).hex()
        part = path.with_suffix(f".{os.getpid()}")
        part.touch(mode=0o600)
        part.write_text(key)
        try:
            os.link(part, path)  # the first process wins; the others read its key
        except FileExistsError:
            pass
        finally:
            part.unlink()
        return path.read_text().strip()
