"""The stage: product, simulators as processes, the operator imported, the clock set."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo import papers
from demo.boxes import CALLING, Boxes
from demo.client import Client, new_session
from demo.operator import Operator
from demo.portal import ON, Portal
from demo.processes import Children
from demo.product import Product
from demo.proof import Finding, StoryError, finding, until_proven
from demo.provider import Provider
from demo.simulator import Simulator
from demo.story import Story
from demo.technician import Technician
from demo.timeline import Timeline

SETUP_S = 30.0
MAIL_FROM = "television@operator.example"
TOKEN_FILE = "api-token"  # noqa: S105 - a file's name
TECHNICIAN, OWNER = "mira", "owner"
PORTAL, PROVIDER, MAIL, SERVE = "portal", "provider", "mail", "serve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What setting up leans on."""

    folder: Path
    children: Children
    client: Client
    timeline: Timeline

    async def command(self, name: str, *words: str, **secrets: str) -> Any:
        """Give the product a command, with secrets in its environment; return what it tells."""
        environment = _environment(self.folder) | secrets
        told = await self.children.run(name, [_boxoffice(), *words, "--json"], environment)
        return json.loads(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything a step may talk to. `boxes` are those that are driven themselves, by kind."""

    operator: Operator
    story: Story
    product: Product
    portal: Portal
    provider: Provider
    boxes: Mapping[str, Boxes]
    mail: Simulator
    console: str
    token_file: Path
    technician: Technician
    parts: Parts

    @property
    def commands(self) -> Sequence[str]:
        """The commands of the product that were given so far."""
        started = self.parts.children.commands
        return [" ".join(words) for words in started if words[0] == _boxoffice()]

    @property
    def product_pid(self) -> int:
        """The process id of the product."""
        return self.parts.children.pid(SERVE)

    @property
    def simulators(self) -> Mapping[str, Simulator]:
        """Every simulator that proves something, by its name."""
        return {PORTAL: self.portal, PROVIDER: self.provider, **self.boxes}

    def boxes_of(self, serial: str) -> Boxes:
        """Find those that a box is one of. Raises StoryError where there are none."""
        for boxes in self.boxes.values():
            if serial in boxes.papers:
                return boxes
        raise StoryError(f"box {serial} is driven by no target of {self.operator.name}")


async def new_owner(parts: Parts) -> tuple[str, str]:
    """Make an owner for whoever wants to look around; give the name and the password."""
    told = await parts.command("user", "user", "add", OWNER, "--role", OWNER, "--generate")
    return told["person"]["name"], told["password"]


@asynccontextmanager
async def stage(
    operator: Operator, story: Story, folder: Path, timeline: Timeline
) -> AsyncIterator[Stage]:
    """Set everything up in a folder and take it down again."""
    children = Children(folder)
    try:
        async with new_session() as session:
            client = Client(session)
            parts = Parts(folder=folder, children=children, client=client, timeline=timeline)
            yield await _set_up(operator, story, parts)
    finally:
        await children.stop()


async def _set_up(operator: Operator, story: Story, parts: Parts) -> Stage:
    ready = await _started(operator, story, parts)
    product, timeline = ready.product, parts.timeline
    timeline.happens("clock", f"is moved to {story.starts_at:%Y-%m-%d %H:%M}")
    # The files' dates are far ahead; whoever is imported began before the story does.
    await product.advance_to(story.starts_at)
    timeline.happens("set-up", f"imports {operator.subscribers} households with their boxes")
    await _imported(ready, parts)
    if story.newcomer.box:  # it lies in the warehouse
        await ready.boxes_of(story.newcomer.box).unplug(story.newcomer.box)
    await _everybody_lit(ready)
    timeline.happens("portal", "knows them all, and all are on")
    await product.rest()
    return ready


async def _started(operator: Operator, story: Story, parts: Parts) -> Stage:
    """Start all processes at once, since each takes a while to wake."""
    children, client = parts.children, parts.client
    boxoffice = _boxoffice()
    environment = _environment(parts.folder)
    await children.start(MAIL, [sys.executable, "-m", "simulators", MAIL], environment)
    catcher = await children.ready(MAIL)  # the product is told of it in its settings
    environment |= {"BOXOFFICE_SMTP_URL": catcher["url"], "BOXOFFICE_MAIL_FROM": MAIL_FROM}
    states = operator.folder / "simulators"
    begins = {
        PORTAL: _simulator("ministra", states / "portal.json"),
        PROVIDER: _simulator("stripe", states / "provider.json"),
        **{
            driver.kind: _simulator(driver.kind, papers.state_of(driver, parts.folder))
            for driver in operator.drivers
        },
        SERVE: [boxoffice, "serve", "--json", "--port", "0"],
    }
    kinds = "".join(f", {driver.kind} boxes" for driver in operator.drivers)
    parts.timeline.happens(
        "set-up", f"starts the product, portal, payment provider, mail catcher{kinds}"
    )
    for name, command in begins.items():
        await children.start(name, command, environment)
    told = {SERVE: await children.ready(SERVE)}
    url = told[SERVE]["url"]
    hiring = asyncio.create_task(_hired(parts, url))  # meanwhile the others wake
    told |= {name: await children.ready(name) for name in begins if name != SERVE}
    portal, provider = told[PORTAL], told[PROVIDER]
    token_file = parts.folder / TOKEN_FILE
    return Stage(
        operator=operator,
        story=story,
        product=Product(client, url, token_file.read_text("utf-8").strip()),
        portal=Portal(client, operator, portal["url"], portal["admin_url"]),
        provider=Provider(client, operator, provider["url"], provider["admin_url"]),
        boxes={one.kind: Boxes(client, one, told[one.kind]) for one in operator.drivers},
        mail=Simulator(client, catcher["page_url"], catcher["admin_url"]),
        console=told[SERVE]["console"],
        token_file=token_file,
        technician=await hiring,
        parts=parts,
    )


async def _hired(parts: Parts, url: str) -> Technician:
    """Take somebody on who works in the field, and who may sign in."""
    words = ("user", "add", TECHNICIAN, "--role", "technician", "--generate")
    told = await parts.command("user", *words)
    person, password = told["person"], told["password"]
    actor = f"person:{person['id']}"
    return Technician(parts.client, url, name=person["name"], password=password, actor=actor)


async def _imported(ready: Stage, parts: Parts) -> None:
    """Import the operator, and tell boxes that call where the product listens for them."""
    operator, product, provider = ready.operator, ready.product, ready.provider
    hook = f"{product.url}/hooks/payments/{operator.payments}"
    secrets = {
        "PORTAL_URL": ready.portal.url,
        "PORTAL_LOGIN": operator.portal_login,
        "PORTAL_PASSWORD": operator.portal_password,
        "PROVIDER_URL": provider.url,
        "PROVIDER_KEY": operator.provider_key,
        "PROVIDER_WEBHOOK_SECRET": await provider.register_webhook(hook),
        **{f"BOXES_{kind.upper()}_KEY": one.user_key for kind, one in ready.boxes.items()},
    }
    known = {kind: boxes.papers for kind, boxes in ready.boxes.items()}
    boxes = papers.purchase_list(operator, known, parts.folder)
    await parts.command("import", "import", *papers.files(operator, boxes), **secrets)
    for driver in [one for one in operator.drivers if one.kind == CALLING]:
        acs = (await parts.children.next(SERVE))["acs"]
        await ready.boxes[driver.kind].call_at(f"{acs}/{driver.target}")


async def _everybody_lit(ready: Stage) -> None:
    """Wait until the portal knows every imported household, on, and their own boxes are on."""
    at_home = papers.at_home(ready.operator)

    async def look() -> list[Finding]:
        statuses = await ready.portal.statuses()
        lit = sum(status == ON for status in statuses.values())
        what = "imported households that are on"
        findings = [finding("portal", what, wanted=ready.operator.subscribers, found=lit)]
        for kind, boxes in ready.boxes.items():
            serials = [serial for serial in boxes.papers if serial in at_home]
            lit, count = await boxes.lit(serials), len(serials)
            findings.append(finding(kind, "imported boxes that are on", wanted=count, found=lit))
        return findings

    for one in await until_proven(look, deadline_s=SETUP_S):
        if not one.is_proven:
            raise StoryError(f"of {one.wanted} {one.what} ({one.where}) there are {one.found}")


def _boxoffice() -> str:
    return str(Path(sys.executable).with_name("boxoffice"))


def _simulator(kind: str, state: Path) -> Sequence[str]:
    return [sys.executable, "-m", "simulators", kind, "--state", str(state)]


def _environment(folder: Path) -> dict[str, str]:
    """Take this process's environment without its settings: the story never meets a real system."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("BOXOFFICE_")}
    return {
        **kept,
        "BOXOFFICE_DATA_DIR": str(folder),
        "BOXOFFICE_ALLOW_TIME_TRAVEL": "true",
        "BOXOFFICE_ACS_PORT": "0",
        "PYTHONUNBUFFERED": "1",
    }
