"""`python -m simulators KIND`: serve one simulated system until SIGTERM.

Prints one JSON line, {"kind", "url", "admin_url"}, when it is ready, and nothing else to stdout.
"""

import argparse
import asyncio
import importlib
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from simulators.admin import Admin
from simulators.clock import SkewedClock
from simulators.faults import BadFault, Faults, parse
from simulators.journal import ENTRIES_MAX, Journal
from simulators.server import Front
from simulators.simulator import BadOperation, Maker, Simulator, Stage

# kind -> module and function that makes it; imported only when asked for
KINDS = {
    "ministra": ("simulators.middleware.ministra", "make"),
    "stripe": ("simulators.payments.stripe", "make"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and tell the exit code."""
    options = _options().parse_args(arguments)
    try:
        return asyncio.run(_serve(options))
    except (BadOperation, BadFault, OSError) as error:
        sys.stderr.write(f"simulators: {error}\n")
        return 1


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulators", description=__doc__)
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--admin-port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--state", type=Path, help="JSON file with the state at the start")
    parser.add_argument("--faults", default="", help='for instance "error:503:count=3;slow:20ms"')
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--journal-max", type=int, default=ENTRIES_MAX, help="entries kept")
    return parser


def _stage(options: argparse.Namespace) -> Stage:
    faults = Faults()
    faults.add(parse(options.faults))
    return Stage(
        journal=Journal(options.journal_max),
        clock=SkewedClock(),
        faults=faults,
        latency_s=options.latency_ms / 1000,
    )


def _state(path: Path | None) -> Mapping[str, Any]:
    if path is None:
        return {}
    try:
        state = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise BadOperation(f"--state: there is no file {path}") from None
    except OSError as error:
        raise BadOperation(f"--state: {path} cannot be read: {_why(error)}") from None
    except orjson.JSONDecodeError as error:
        raise BadOperation(f"{path}: {error}") from None
    if not isinstance(state, dict):
        raise BadOperation(f"{path}: a JSON object is expected")
    return state


def _simulator(kind: str, stage: Stage, state: Mapping[str, Any]) -> Simulator:
    module, function = KINDS[kind]
    make: Maker = getattr(importlib.import_module(module), function)
    return make(stage, state)


async def _serve(options: argparse.Namespace) -> int:
    told_to_stop = _stop_signal()
    stage = _stage(options)
    simulator = _simulator(options.kind, stage, _state(options.state))
    with _listening(options.host, options.port):
        front = Front(stage, simulator, options.host, options.port)
        await front.start()
    runner = web.AppRunner(Admin(stage, simulator, front).application(), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, options.host, options.admin_port, shutdown_timeout=1.0)
        with _listening(options.host, options.admin_port):
            await site.start()
        _announce(options.kind, front.door.url, f"http://{options.host}:{_port(runner)}")
        await told_to_stop.wait()
    finally:
        await runner.cleanup()
        await front.stop()
    return 0


@contextmanager
def _listening(host: str, port: int) -> Iterator[None]:
    """Name the address where it cannot be listened on."""
    try:
        yield
    except OSError as error:
        raise BadOperation(f"cannot listen on {host}:{port}: {_why(error)}") from None


def _why(error: OSError) -> str:
    """Say why in words: the library's own carry numbers."""
    if isinstance(error, socket.gaierror) or error.errno is None:
        return (error.strerror or str(error)).lower()
    return os.strerror(error.errno).lower()


def _port(runner: web.AppRunner) -> int:
    port: int = runner.addresses[0][1]
    return port


def _announce(kind: str, url: str, admin_url: str) -> None:
    line = orjson.dumps({"kind": kind, "url": url, "admin_url": admin_url})
    sys.stdout.write(line.decode() + "\n")
    sys.stdout.flush()


def _stop_signal() -> asyncio.Event:
    """Make an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


if __name__ == "__main__":
    sys.exit(main())
