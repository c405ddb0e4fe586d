"""A subscriber at the portal: signs in with the code that comes by mail, and redeems a voucher."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from demo.client import Client
from demo.phone import Phone
from demo.proof import Finding, StoryError, finding, until_proven
from demo.simulator import Simulator

HOME, DOOR, ASK, CHECK = "/portal/", "/portal/sign-in", "/portal/code", "/portal/code/check"
VOUCHER = "/portal/voucher"
LETTER_S = 15.0
_CODE = re.compile(r"\b\d{4} ?\d{4}\b")


class Subscriber:
    """Somebody at home with a phone, and a mail address that the catcher takes mail for."""

    def __init__(self, client: Client, url: str, mail: Simulator, *, email: str) -> None:
        self._client = client
        self._phone = Phone(client, url)
        self._mail = mail
        self._email = email

    async def sign_in(self) -> None:
        """Ask for a code, wait for its letter and type it. Raises StoryError where none comes."""
        known = len(await self._mails())
        page = await self._phone.send(await self._phone.open(DOOR), ASK, name=self._email)

        async def look() -> list[Finding]:
            has_come = len(await self._mails()) > known
            return [finding("mail", "a letter came", wanted=True, found=has_come)]

        await until_proven(look, deadline_s=LETTER_S)
        come = (await self._mails())[known:]
        code = _CODE.search(come[0]["text"]) if come else None
        if code is None:
            raise StoryError(f"no letter with a code came to {self._email}")
        home = await self._phone.send(page, CHECK, code=code[0])
        if home.path != HOME:
            raise StoryError(f"signing in leads to {home.path} and not to {HOME}")

    async def redeem(self, code: str) -> None:
        """Type the code of a voucher. Raises StoryError where it is not taken."""
        await self._phone.send(await self._phone.open(HOME), VOUCHER, code=code)

    async def _mails(self) -> Sequence[Mapping[str, Any]]:
        """List what came to him, the oldest first."""
        query = {"to": self._email}
        answer = await self._client.call("GET", f"{self._mail.url}/mails.json", query=query)
        mails: Sequence[Mapping[str, Any]] = answer.json()["mails"]
        return mails[::-1]
