"""`boxoffice serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.speak import FAILED, Json, guarded, say, settings, tell


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

    from app.roles.crew import Role
    from app.serving import Ready
    from app.serving import serve as run

    if role not in set(Role):
        raise typer.BadParameter(f"{role!r} is none of {', '.join(Role)}", param_hint="--role")
    found = settings()

    def announce(ready: Ready) -> None:
        if as_json:
            tell(
                {
                    "event": "ready",
                    "url": ready.url,
                    "console": f"{ready.url}/console/" if ready.url else "",
                    "acs": ready.acs_url,
                    "pid": ready.pid,
                    "role": ready.role,
                    "hints": ready.hints,
                }
            )
            return
        for hint in ready.hints:
            say(f"Note: {hint}")
        if ready.url:
            say(f"Boxoffice is ready: {ready.url}/console/ (stop it with Ctrl-C)")
        else:
            say(f"Boxoffice is at work as {ready.role} (stop it with Ctrl-C)")

    place = host or found.http_host
    at_port = found.http_port if port is None else port
    code = guarded(lambda: asyncio.run(run(found, Role(role), place, at_port, announce)), found)
    if code:
        raise typer.Exit(FAILED)
