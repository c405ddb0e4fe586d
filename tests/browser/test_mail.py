"""The page of the mail catcher in a browser."""

from __future__ import annotations

import asyncio
import smtplib
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from tests.browser.conftest import ONE_LOOP
from tests.simulators.process import start_simulator

pytestmark = [pytest.mark.browser, ONE_LOOP]

HOSTILE = "</pre><script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"


def send(url):
    """Send a mail that tries to become script wherever it is shown."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.org", "b@example.org", HOSTILE
    mail.set_content(HOSTILE)
    mail.add_alternative(f"<html><body>{HOSTILE}</body></html>", subtype="html")
    at = urlsplit(url)
    with smtplib.SMTP("127.0.0.1", at.port or 0, local_hostname="test") as client:
        client.send_message(mail)


async def test_a_person_reads_a_hostile_mail_and_nothing_happens(watched):
    """List and mail show what was written; none of it runs, and nothing else is asked for."""
    async with start_simulator("mail") as catcher:
        await asyncio.to_thread(send, catcher.url)
        page, url = watched.page, catcher.told["page_url"]
        await page.goto(url)
        await page.get_by_role("link", name=HOSTILE).click()
        await expect(page.get_by_role("heading")).to_have_text(HOSTILE)
        await expect(page.locator("pre")).to_have_text(HOSTILE + "\n")
        assert await page.evaluate("window.hit") is None
        await page.get_by_role("link", name="as it came").click()
        await expect(page.locator("body")).to_contain_text("onerror")
        assert await page.evaluate("window.hit") is None
        assert {asked for asked in watched.asked if not asked.startswith(url)} == set()
