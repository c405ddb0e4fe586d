"""`boxoffice serve`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.speak import FAILED, Json, guarded, say, settings, tell

if TYPE_CHECKING:
    from app.serving import Listening, Ready


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("serve")(serve)


def serve(
    *,
    role: Annotated[str, typer.Option(help="all, web, worker, scheduler or acs.")] = "all",
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the product. It ends by SIGTERM or Ctrl-C, when its work in hand is done."""
    import asyncio
    from functools import partial

    from app.roles.crew import Role
    from app.serving import serve as run

    if role not in set(Role):
        raise typer.BadParameter(f"{role!r} is none of {', '.join(Role)}", param_hint="--role")
    found = settings(serves=True)

    def announce(news: Ready | Listening) -> None:
        if as_json:
            tell(_worded(news))
        else:
            _say(news)

    # A code belongs on a screen: what is no terminal may be written down.
    shows = not as_json and sys.stdout.isatty()
    place = host or found.http_host
    at_port = found.http_port if port is None else port
    life = partial(run, found, Role(role), place, at_port, announce, offers_code=shows)
    code = guarded(lambda: asyncio.run(life()), found)
    if code:
        raise typer.Exit(FAILED)


def _worded(news: Ready | Listening) -> dict[str, object]:
    from app.serving import Listening

    if isinstance(news, Listening):
        return {"event": "listening", "acs": news.acs_url}
    return {
        "event": "ready",
        "url": news.url,
        "console": f"{news.url}/console/" if news.url else "",
        "acs": news.acs_url,
        "health": news.health_url,
        "pid": news.pid,
        "role": news.role,
        "hints": news.hints,
    }


def _say(news: Ready | Listening) -> None:
    from app.serving import Listening

    if isinstance(news, Listening):
        where = f"at {news.acs_url}/TARGET" if news.acs_url else "nowhere: no target is called"
        say(f"Boxes may call {where}")
        return
    for hint in news.hints:
        say(f"Note: {hint}")
    if news.set_up_code:
        say(f"The first owner is made at {news.url}/set-up within an hour, by this code, once:")
        say(f"    {news.set_up_code}")
    if news.url:
        say(f"Boxoffice is ready: {news.url}/console/ (stop it with Ctrl-C)")
    else:
        say(f"Boxoffice is at work as {news.role} (stop it with Ctrl-C)")
