"""The mail catcher as any mail program meets it, which here is the standard library's."""

from __future__ import annotations

import json
import smtplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from simulators.mail.session import MAIL_BYTES_MAX
from tests.services.certificates import Authority
from tests.simulators.process import RunningSimulator, start_simulator

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=alert(1)>"
MAILS_MAX = 3


@pytest.fixture(scope="module")
def _process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    state = tmp_path_factory.mktemp("mail") / "state.json"
    state.write_text(json.dumps({"mails_max": MAILS_MAX}))
    with start_simulator("mail", "--state", state) as running:
        yield running


@pytest.fixture
def catcher(_process: RunningSimulator) -> RunningSimulator:
    """An empty catcher, in the clear and without a login."""
    _process.admin("/reset", {})
    return _process


def connected(catcher: RunningSimulator) -> smtplib.SMTP:
    """Connect to it."""
    at = urlsplit(catcher.url)
    return smtplib.SMTP(at.hostname or "", at.port or 0, local_hostname="test", timeout=10)


def letter(subject: str = "Hello", text: str = "Hello there\n") -> EmailMessage:
    """Write a mail."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.org", "b@example.org", subject
    mail.set_content(text)
    return mail


def caught(catcher: RunningSimulator, to: str = "") -> list[dict]:
    """What it holds, newest first."""
    found: list[dict] = catcher.admin(f"/state?to={to}")["mails"]
    return found


def page(catcher: RunningSimulator, path: str = "/") -> tuple[str, str]:
    """Read a page: its policy and its text."""
    with urlopen(catcher.told["page_url"] + path, timeout=10) as answer:
        return answer.headers["Content-Security-Policy"], answer.read().decode()


def test_a_mail_is_caught_as_it_was_sent(catcher: RunningSimulator):
    """Umlauts, lines of a dot and several recipients: everything arrives, and is journalled."""
    text = "Grüße\n.\n..two\nend\n"
    with connected(catcher) as client:
        refused = client.send_message(letter("Größe", text), to_addrs=["b@x.org", "c@x.org"])
    assert refused == {}
    (mail,) = caught(catcher)
    assert (mail["subject"], mail["text"]) == ("Größe", text)
    assert (mail["from"], mail["to"]) == ("a@example.org", ["b@x.org", "c@x.org"])
    assert (mail["over_tls"], mail["user"]) == (False, "")
    assert caught(catcher, "c@x.org") == [mail]
    assert caught(catcher, "d@x.org") == []
    (entry,) = catcher.journal(changed="1")
    assert (entry["call"], entry["subject"]) == ("SMTP DATA", "b@x.org, c@x.org")
    assert "text" not in entry["after"]


def test_the_oldest_mails_leave(catcher: RunningSimulator):
    """It holds so many and no more, and refuses one that is too big."""
    with connected(catcher) as client:
        for number in range(MAILS_MAX + 2):
            client.send_message(letter(str(number)))
        with pytest.raises(smtplib.SMTPSenderRefused, match="552"):
            client.send_message(letter(text="x" * MAIL_BYTES_MAX))
        client.ehlo_or_helo_if_needed()
        client.esmtp_features.pop("size")  # who does not announce a size is stopped at the end
        with pytest.raises(smtplib.SMTPDataError, match="552"):
            client.send_message(letter(text="x" * MAIL_BYTES_MAX))
    assert [mail["subject"] for mail in caught(catcher)] == ["4", "3", "2"]


def test_a_person_reads_it_and_nothing_in_it_is_markup(catcher: RunningSimulator):
    """Page, mail and JSON show hostile text as text, under a policy that lets nothing run."""
    with connected(catcher) as client:
        client.send_message(letter(HOSTILE, HOSTILE))
    (mail,) = caught(catcher)
    for path in ("/", f"/mails/{mail['number']}"):
        policy, shown = page(catcher, path)
        assert policy.startswith("default-src 'none'")
        assert "<script" not in shown
        assert "<img" not in shown
        assert "&lt;script&gt;" in shown
    _, listed = page(catcher, "/mails.json?to=b@example.org")
    assert json.loads(listed)["mails"] == [mail]


@pytest.mark.parametrize(
    ("spec", "error", "arrived"),
    [
        ("refused:who?", "550.*who", 0),
        ("throttled:7", "451.*7 s", 0),
        ("error:452", "452", 0),
        ("refused:match=DATA", "550", 0),
        ("refused:match=DATA:applied=yes", "550", 1),
        ("lost", "closed|reset", 1),
        ("reset", "closed|reset", 0),
        ("half", "closed", 1),
        ("crowded", "421", 0),
        ("down", "refused", 0),
    ],
)
def test_each_fault_does_what_it_says(
    catcher: RunningSimulator, spec: str, error: str, arrived: int
):
    """A refusal has its code, a break breaks, and only what was applied was caught."""
    catcher.admin("/faults", {"spec": spec})
    with (
        pytest.raises((smtplib.SMTPException, OSError), match=f"(?i){error}"),
        connected(catcher) as client,
    ):
        client.send_message(letter())
    catcher.admin("/faults", {"clear": True})
    assert len(caught(catcher)) == arrived
    with connected(catcher) as client:
        client.send_message(letter())
    assert len(caught(catcher)) == arrived + 1


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("MAIL FROM:<a@x.org>", 503),
        ("DATA", 503),
        ("RCPT TO:<a@x.org>", 503),
        ("STARTTLS", 502),
        ("AUTH PLAIN AAAA", 503),
        ("FLY", 500),
        ("x" * 2_000, 500),
    ],
)
def test_a_command_out_of_turn_is_refused(catcher: RunningSimulator, command: str, code: int):
    """What is not offered, or not yet due, is refused by its code."""
    with connected(catcher) as client:
        assert client.docmd(command)[0] == code
        client.close()


@pytest.mark.parametrize("tls", ["asked", "at_once"])
def test_it_hides_the_talk_and_asks_for_a_login(tmp_path: Path, tls: str):
    """With a certificate and a login nobody sends anything in the clear or unknown."""
    authority = Authority(tmp_path)
    certificate, key = map(str, authority.vouch("127.0.0.1"))
    state = {"user": "u", "password": "p", "certificate": certificate, "key": key, "tls": tls}
    path = tmp_path / "state.json"
    path.write_text(json.dumps(state))
    trust = ssl.create_default_context(cafile=str(authority.path))
    with start_simulator("mail", "--state", path) as catcher:
        at = urlsplit(catcher.url)
        if tls == "at_once":
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                "127.0.0.1", at.port or 0, local_hostname="test", context=trust
            )
        else:
            client = connected(catcher)
            client.ehlo()
            assert not client.has_extn("auth")
            client.starttls(context=trust)
        with client:
            with pytest.raises(smtplib.SMTPSenderRefused, match="530"):
                client.send_message(letter())
            with pytest.raises(smtplib.SMTPAuthenticationError, match="535"):
                client.login("u", "wrong")
            client.login("u", "p")
            client.send_message(letter())
        (mail,) = caught(catcher)
        assert (mail["over_tls"], mail["user"]) == (True, "u")
