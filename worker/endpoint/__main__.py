"""`python -m worker.endpoint --port 8001`: serve the demonstration models until SIGTERM or Ctrl-C."""

import argparse
import asyncio
import os
import signal
import sys

from worker.endpoint import demonstration
from worker.endpoint.server import create_app, listening


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m worker.endpoint", description=demonstration.LABEL)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001, help="0 takes a free one")
    parser.add_argument("--rate-limit", type=float, default=0.0, metavar="N", help="chats a second; above it: 429")
    arguments = parser.parse_args()
    try:
        asyncio.run(_run(arguments))
    except OSError as error:
        sys.stderr.write(f"The endpoint cannot listen on {arguments.host}:{arguments.port}: {error.strerror}.\n")
        return 1
    return 0


async def _run(arguments: argparse.Namespace) -> None:
    """An API key, if callers are to send one, is read from R4_ENDPOINT_API_KEY: a command line is no place for it."""
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    app = create_app(api_key=os.environ.get("R4_ENDPOINT_API_KEY", ""), rate_limit=arguments.rate_limit)
    async with listening(app, host=arguments.host, port=arguments.port) as url:
        sys.stderr.write(f"Demonstration models (not LLMs) at {url}\n")
        sys.stderr.flush()
        await ending.wait()


if __name__ == "__main__":
    sys.exit(main())
