"""The whole product with a mail server: what is posted arrives, and the story tells of it."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from app.settings import Settings
from app.web.console.story import newest
from app.wiring import build, closing
from messages.letters.store import KIND
from tests.flows.app.served import at_work, rest
from tests.flows.app.test_letters import CODE, letter_at
from tests.simulators.process import start_simulator


@pytest.fixture
async def mailing(sqlite_url, tmp_path):
    """A house whose letters a catcher catches."""
    with start_simulator("mail") as catcher:
        settings = Settings(
            data_dir=tmp_path,
            database_url=sqlite_url,
            smtp_url=SecretStr(catcher.url),
            mail_from="Box TV <tv@box.example>",
        )
        async with closing(build(settings)) as house:
            yield house, catcher


async def test_what_is_posted_arrives_and_the_story_tells_of_it(mailing):
    """A worker sends it by itself; the story names kind and address, and not what it said."""
    house, catcher = mailing
    letter = letter_at(house.clock.machine_now())
    async with at_work(house):
        async with house.store.begin() as tx:
            await house.letters.post(tx, [letter])
        await rest(house, KIND)
    (mail,) = (await catcher.aadmin("/state"))["mails"]
    assert mail["headers"]["From"] == "Box TV <tv@box.example>"
    assert CODE in mail["text"]
    async with house.store.read() as tx:
        (moment,) = await newest(tx)
    assert moment.text == "letter sent: sign in code to mira@example.org"
    assert CODE not in repr(moment)
