"""The technician in the field: signs in on his phone and does the jobs that are on it.

What its pages say proves nothing; the boxes and the portal are asked for that.
"""

from __future__ import annotations

from demo.client import Client
from demo.phone import Page, Phone
from demo.proof import StoryError

HOME, DOOR = "/field/", "/sign-in"
JOBS, REGISTER, RETURN = "/field/jobs/", "/field/register", "/field/return"


class Technician:
    """Who works in the field: the name to sign in with, how his deeds are signed, a phone."""

    def __init__(self, client: Client, url: str, *, name: str, password: str, actor: str) -> None:
        self.name = name
        self.password = password
        self.actor = actor
        self._phone = Phone(client, url)

    async def sign_in(self) -> None:
        """Open the first page, which leads to the door, and come back signed in."""
        door = await self._phone.open(HOME)
        page = await self._phone.send(door, DOOR, name=self.name, password=self.password)
        if page.path != HOME:
            raise StoryError(f"signing in leads to {page.path} and not to {HOME}")

    async def register(self, serial: str, contract: str) -> None:
        """Do the one job at a household: type the serial, see what it means, say yes; done."""
        job = await self._job(contract)
        page = await self._phone.follow(job, f"{REGISTER}?job=")
        page = await self._phone.send(page, REGISTER, serial=serial)
        page = await self._phone.send(page, REGISTER)
        await self._phone.send(page, f"{job.path}/close")

    async def take_back(self, serial: str, contract: str) -> None:
        """Do the one job at a household: take a box back, in good condition; that ends the job."""
        page = await self._phone.follow(await self._job(contract), f"{RETURN}?job=")
        page = await self._phone.send(page, RETURN, serial=serial)
        await self._phone.send(page, RETURN)

    async def _job(self, contract: str) -> Page:
        return await self._phone.follow(await self._phone.open(HOME), JOBS, contract)
