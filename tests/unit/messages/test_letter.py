"""What a letter may be, how it is written, and what the address of a mail server says."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from messages.letters.model import Letter
from messages.letters.paper import Sender, written
from messages.letters.server import MailServer, Tls
from terms.errors import Invalid

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
LETTER = Letter(
    id="code-1",
    to="mira@example.org",
    kind="sign_in_code",
    subject="Your code",
    text="It is 428117.\n",
    not_after=NOW,
)
SENDER = Sender.parse("mail_from", "Box TV <tv@box.example>")


def read(letter, sender=SENDER):
    """Write a letter and read it again as any mail program does."""
    raw = written(letter, sender, NOW).as_bytes()
    raw.decode("ascii")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    return email.message_from_bytes(raw, policy=email.policy.default)


def said(mail):
    """What a mail says, with line ends as we write them."""
    return mail.get_content().replace("\r\n", "\n")


def test_a_letter_is_plain_mail():
    """It says from whom, to whom, when, and that no machine need answer."""
    mail = read(LETTER)
    assert str(mail["From"]) == "Box TV <tv@box.example>"
    assert str(mail["To"]) == "mira@example.org"
    assert str(mail["Message-ID"]) == "<code-1@box.example>"
    assert str(mail["Date"]) == "Sun, 01 Mar 2026 12:00:00 +0000"
    assert str(mail["Auto-Submitted"]) == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    assert said(mail) == LETTER.text


def test_the_same_letter_is_recognised():
    """Whenever it is written, a letter has the same Message-ID; another has another."""
    assert (
        written(LETTER, SENDER, NOW)["Message-ID"]
        == (written(LETTER, SENDER, NOW.replace(year=2027))["Message-ID"])
    )
    other = replace(LETTER, id="code-2")
    assert written(other, SENDER, NOW)["Message-ID"] != written(LETTER, SENDER, NOW)["Message-ID"]


@pytest.mark.parametrize(
    "text", ["Größe: naïve café, ÄÖÜß €", "Привіт", ".\n..\n.dots", "x" * 9000]
)
def test_every_letter_of_the_text_arrives(text):
    """Umlauts, other scripts, lines of one dot and very long ones are read as written."""
    line = text.splitlines()[0][:100]
    mail = read(replace(LETTER, subject=line, text=text + "\n"))
    assert said(mail) == text + "\n"
    assert str(mail["Subject"]) == line


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject", "Hello\r\nBcc: all@example.org"),
        ("subject", "Hello\nBcc: all@example.org"),
        ("subject", "Hello\u2028Bcc: all@example.org"),
        ("subject", "half \ud800"),
        ("subject", ""),
        ("subject", "x" * 201),
        ("to", "mira@example.org\r\nRCPT TO:<all@example.org>"),
        ("to", "mira@example.org\n"),
        ("to", "mira@example.org, all@example.org"),
        ("to", "Mira <mira@example.org>"),
        ("to", "mira@exämple.org"),
        ("to", "mïra@example.org"),
        ("to", '"a b"@example.org'),
        ("to", "mira@[127.0.0.1]"),
        ("to", "mira@localhost"),
        ("to", "mira@-example.org"),
        ("to", "mira..b@example.org"),
        ("to", "@example.org"),
        ("to", "mira"),
        ("to", ""),
        ("to", "x" * 65 + "@example.org"),
        ("to", "mira@" + "a." * 130 + "org"),
        ("id", "a b"),
        ("id", "a>\r\nX: y"),
        ("id", "a@b"),
        ("id", "x" * 81),
        ("kind", "Sign In"),
        ("text", ""),
        ("text", "null \x00"),
        ("text", "escape \x1b[2J"),
        ("text", "return \r alone"),
        ("text", "half \udfff"),
        ("text", "x" * 20_001),
    ],
)
def test_what_is_no_plain_letter_is_refused_by_its_field(field, value):
    """Nothing that could become another header, another recipient or no text is taken."""
    with pytest.raises(Invalid) as caught:
        replace(LETTER, **{field: value})
    assert caught.value.field == field


@pytest.mark.parametrize("to", ["mira@example.org", "m.i+tv@xn--exmple-cua.org", "0@a.b.example"])
def test_a_plain_address_is_taken(to):
    """Addresses as people have them, and names of other scripts in their ASCII form."""
    assert str(read(replace(LETTER, to=to))["To"]) == to


def test_a_letter_shows_nothing_of_what_it_says():
    """What is printed of a letter, in a log or a trace, has neither subject nor text."""
    assert "428117" not in repr(LETTER)
    assert "Your code" not in repr(LETTER)


@pytest.mark.parametrize(
    ("text", "name"),
    [("tv@box.example", ""), ("Box TV <tv@box.example>", "Box TV"), ("Bü <tv@box.example>", "Bü")],
)
def test_a_sender_may_have_a_name(text, name):
    """An address alone, or a name before it in any script."""
    found = Sender.parse("mail_from", text)
    assert (found.address, found.name, found.domain) == ("tv@box.example", name, "box.example")
    assert name in str(read(LETTER, found)["From"])


@pytest.mark.parametrize(
    "text", ["", "Box TV", "a\nb <tv@box.example>", "<tv@box.example", "x <y>"]
)
def test_another_sender_is_refused(text):
    """What is no sender is refused by the name of its setting."""
    with pytest.raises(Invalid) as caught:
        Sender.parse("mail_from", text)
    assert caught.value.field == "mail_from"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://u:p%40ss@mail.example", (Tls.ASKED, "mail.example", 587, "u", "p@ss")),
        ("smtps://u%40x:p@mail.example", (Tls.AT_ONCE, "mail.example", 465, "u@x", "p")),
        ("smtps://mail.example:4465/", (Tls.AT_ONCE, "mail.example", 4465, "", "")),
        ("smtp+plain://127.0.0.1", (Tls.NONE, "127.0.0.1", 25, "", "")),
        ("smtp+plain://[::1]:2525", (Tls.NONE, "::1", 2525, "", "")),
    ],
)
def test_the_address_says_how_the_talk_is_hidden(url, expected):
    """The scheme names the TLS and the port that goes with it; marks of a login are escaped."""
    found = MailServer.parse("smtp_url", url)
    assert (found.tls, found.host, found.port, found.user, found.password) == expected
    assert found.password == "" or f"{found.password!r}" not in repr(found)


@pytest.mark.parametrize(
    "url",
    [
        *("", "mail.example", "http://mail.example", "smtp://", "smtp://hunter2:x@", "smtp://a..b"),
        *("smtp://u:hunter2@mail.example:port", "smtp://u:hunter2@mail.example:99999"),
        *(
            "smtp://mail.example/path",
            "smtp://mail.example?tls=none",
            "smtp://hunter2@mail.example",
        ),
        "smtp+plain://u:hunter2@mail.example",
    ],
)
def test_another_address_is_refused_and_not_repeated(url):
    """What is no address of a mail server is refused; so is a password in plain sight."""
    with pytest.raises(Invalid) as caught:
        MailServer.parse("smtp_url", url)
    assert caught.value.field == "smtp_url"
    assert "hunter2" not in str(caught.value)
