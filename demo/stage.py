"""The stage: product, portal and provider as processes, the operator imported, the clock set."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.client import Client, new_session
from demo.portal import ON, Portal
from demo.processes import Children
from demo.product import Product
from demo.proof import Finding, StoryError, until_proven
from demo.provider import Provider
from demo.story import Operator, Story
from demo.timeline import Timeline

SETUP_S = 30.0
TOKEN_FILE = "api-token"  # noqa: S105 - a file's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything a step may talk to."""

    operator: Operator
    story: Story
    product: Product
    portal: Portal
    provider: Provider
    console: str
    token_file: Path
    product_pid: int
    commands: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What setting up leans on."""

    folder: Path
    children: Children
    timeline: Timeline


@asynccontextmanager
async def stage(
    operator: Operator, story: Story, folder: Path, timeline: Timeline
) -> AsyncIterator[Stage]:
    """Set everything up in a folder and take it down again."""
    children = Children(folder)
    try:
        async with new_session() as session:
            parts = Parts(folder=folder, children=children, timeline=timeline)
            yield await _set_up(operator, story, parts, Client(session))
    finally:
        await children.stop()


async def _set_up(operator: Operator, story: Story, parts: Parts, client: Client) -> Stage:
    folder, children, timeline = parts.folder, parts.children, parts.timeline
    environment = _environment(folder)
    boxoffice = str(Path(sys.executable).with_name("boxoffice"))
    simulator = [sys.executable, "-m", "simulators"]
    states = operator.folder / "simulators"
    portal_command = [*simulator, "ministra", "--state", str(states / "portal.json")]
    provider_command = [*simulator, "stripe", "--state", str(states / "provider.json")]
    serve = [boxoffice, "serve", "--json", "--port", "0"]
    timeline.happens("set-up", "starts the product, a portal and a payment provider")
    # All three at once; each takes a while to wake.
    await children.start("portal", portal_command, environment)
    await children.start("provider", provider_command, environment)
    await children.start("serve", serve, environment)
    portal_at = await children.ready("portal")
    provider_at = await children.ready("provider")
    product_at = await children.ready("serve")
    portal = Portal(client, operator, portal_at["url"], portal_at["admin_url"])
    provider = Provider(client, operator, provider_at["url"], provider_at["admin_url"])
    token_file = folder / TOKEN_FILE
    product = Product(client, product_at["url"], token_file.read_text("utf-8").strip())
    timeline.happens("clock", f"is moved to {story.starts_at:%Y-%m-%d %H:%M}")
    # The files' dates are far ahead; whoever is imported began before the story does.
    await product.advance_to(story.starts_at)
    hook = f"{product.url}/hooks/payments/{operator.payments}"
    secrets = {
        "PORTAL_URL": portal.url,
        "PORTAL_LOGIN": operator.portal_login,
        "PORTAL_PASSWORD": operator.portal_password,
        "PROVIDER_URL": provider.url,
        "PROVIDER_KEY": operator.provider_key,
        "PROVIDER_WEBHOOK_SECRET": await provider.register_webhook(hook),
    }
    timeline.happens("set-up", f"imports {operator.subscribers} households with their boxes")
    importing = [boxoffice, "import", str(operator.folder), "--json"]
    await children.run("import", importing, {**environment, **secrets})
    await _everybody_lit(operator, portal)
    timeline.happens("portal", "knows them all, and all are on")
    await product.rest()
    return Stage(
        operator=operator,
        story=story,
        product=product,
        portal=portal,
        provider=provider,
        console=product_at["console"],
        token_file=token_file,
        product_pid=children.pid("serve"),
        commands=[" ".join(command) for command in children.commands],
    )


async def _everybody_lit(operator: Operator, portal: Portal) -> None:
    """Wait until the portal knows every imported household, on."""

    async def look() -> list[Finding]:
        statuses = await portal.statuses()
        lit = sum(status == ON for status in statuses.values())
        where, what = "portal", "imported households that are on"
        return [Finding(where=where, what=what, wanted=operator.subscribers, found=lit)]

    (finding,) = await until_proven(look, deadline_s=SETUP_S)
    if not finding.is_proven:
        raise StoryError(f"of {finding.wanted} imported households {finding.found} are on")


def _environment(folder: Path) -> Mapping[str, str]:
    """Take this process's environment without its settings: the story never meets a real system."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("BOXOFFICE_")}
    return {
        **kept,
        "BOXOFFICE_DATA_DIR": str(folder),
        "BOXOFFICE_ALLOW_TIME_TRAVEL": "true",
        "PYTHONUNBUFFERED": "1",
    }
