"""`parley serve`: run the worker."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from bot.settings import Settings

__all__ = ["serve"]


@click.command(
    epilog="Example: parley serve --dev   (then, in another terminal: parley call hello.wav)"
)
@click.option("--host", help="Address to listen on; 0.0.0.0 by default, 127.0.0.1 with --dev.")
@click.option("--port", type=int, help="Port to listen on; 8080 by default.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, help="Run so many processes.")
@click.option("--dev", is_flag=True, help="Try it out: loopback only, with a token of its own.")
@click.option("--fd", type=int, hidden=True, help="Serve on this listening socket.")
def serve(host: str | None, port: int | None, workers: int, dev: bool, fd: int | None) -> int:
    """Run the worker that answers calls, until it is stopped.

    At SIGTERM, or Ctrl-C, it takes no new calls and gives those in progress PARLEY_DRAIN_S to end;
    then they move to another worker. The second time they move at once.
    """
    from bot.log import configure
    from bot.settings import Settings, SettingsError

    try:
        settings = Settings.load(overrides={"host": host, "port": port}, dev=dev)
    except SettingsError as error:
        click.echo(str(error), err=True)
        return 2
    configure(settings.log_level)
    if workers > 1:
        return _serve_many(settings, workers)

    from bot.dialog import DialogError
    from bot.redis_server import RedisServerError
    from bot.worker import run_worker
    from providers.errors import MissingKeyError, ProviderError, UnsupportedError
    from providers.vad import MissingModelError

    try:
        listener = socket.socket(fileno=fd) if fd is not None else None
        _run(run_worker(settings, listener=listener))
    except DialogError as error:
        click.echo(f"PARLEY_DIALOG: {error}", err=True)
        return 2
    except UnsupportedError as error:
        click.echo(f"PARLEY_LANGUAGE, PARLEY_VOICE or a number's own: {error}", err=True)
        return 2
    except MissingKeyError as error:
        click.echo(f"PARLEY_STT_PROVIDER, PARLEY_TTS_PROVIDER: {error}", err=True)
        return 2
    except (MissingModelError, ProviderError, RedisServerError) as error:
        click.echo(f"parley serve: {error}", err=True)
        return 1
    except OSError as error:
        what = error.filename or f"{settings.host}:{settings.port}"
        click.echo(f"parley serve: {what}: {error.strerror}", err=True)
        return 1
    return 0


def _serve_many(settings: Settings, workers: int) -> int:
    from bot.supervisor import run_workers

    arguments = ["--host", settings.host, "--port", str(settings.port)]
    if settings.dev:
        arguments.append("--dev")
    try:
        running = run_workers(workers, arguments, settings.host, settings.port, settings.drain_s)
        return asyncio.run(running)
    except OSError as error:
        click.echo(f"parley serve: port {settings.port}: {error.strerror}", err=True)
        return 1


def _run(work: Coroutine[Any, Any, None]) -> None:
    # Imported here: only the worker pays for it.
    import uvloop

    uvloop.run(work)
