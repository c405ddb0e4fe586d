"""Short messages: how long they are, whom they go to, what a gateway is sent, when it is quiet."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, time, timedelta
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.quiet import Quiet
from messages.sms.alphabet import Alphabet, measure
from messages.sms.gateway import Gateway, read_options
from messages.sms.number import international
from runtime.http import HttpDoor
from simulators.sms.segments import segments
from terms.errors import Invalid

ZONES = st.sampled_from(
    ["Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo"]
)
MINUTES = st.integers(0, 24 * 60 - 1)
FIELDS = {"To": "{to}", "From": "{sender}", "Body": "{text}"}
HTTP = {"kind": "http", "url": "https://sms.example/send", "fields": FIELDS, "sender": "BOX"}


@pytest.mark.parametrize(
    ("text", "alphabet", "units", "parts"),
    [
        ("", Alphabet.GSM7, 0, 1),
        ("a" * 160, Alphabet.GSM7, 160, 1),
        ("a" * 161, Alphabet.GSM7, 161, 2),
        ("a" * 306, Alphabet.GSM7, 306, 2),
        ("a" * 307, Alphabet.GSM7, 307, 3),
        ("€" * 80, Alphabet.GSM7, 160, 1),
        # The pair of the 153rd septet goes whole into the second part.
        ("a" * 152 + "€" + "a" * 152, Alphabet.GSM7, 306, 3),
        ("ж" * 70, Alphabet.UCS2, 70, 1),
        ("ж" * 71, Alphabet.UCS2, 71, 2),
        ("ж" * 134, Alphabet.UCS2, 134, 2),
        ("ж" * 66 + "📺" + "ж" * 66, Alphabet.UCS2, 134, 3),
        ("Grüße an Señor Ångström", Alphabet.GSM7, 23, 1),
        ("ç", Alphabet.UCS2, 1, 1),  # the table has a capital one alone
    ],
)
def test_a_text_has_its_parts(text, alphabet, units, parts):
    """Septets and units are counted as the networks do, a pair is never torn."""
    found = measure(text)
    assert (found.alphabet, found.units, found.parts) == (alphabet, units, parts)


@given(st.text(st.sampled_from("aä€[@\n ж📺çÇΔ\x1b"), max_size=400))
def test_the_gateway_counts_alike(text):
    """Another reading of the same documents comes to the same number of parts."""
    assert measure(text).parts == segments(text)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("+43 1 234567", "+431234567"),
        ("0043 (1) 234-567", "+431234567"),
        ("01/234 567", "+431234567"),
    ],
)
def test_a_number_is_read(written, read):
    """However people write it, and with a country of its own where it begins with 0."""
    assert international("phone", written, "43") == read


@pytest.mark.parametrize("written", ["234567", "+0123456789", "+43 1", "+1234567890123456", "x"])
def test_what_is_no_number_is_refused(written):
    """Too short, too long, no digits, or without a country."""
    with pytest.raises(Invalid, match="phone"):
        international("phone", written, "43")


def gateway(**options):
    """Make a gateway that is never called."""
    return Gateway(read_options({**HTTP, **options}), HttpDoor(networks=[]))


def test_a_gateway_is_sent_what_it_wants():
    """Form or JSON, under its own names, with the proof that it asks for; nothing is injected."""
    text = 'Grüße {to} & "more"\n'
    headers, body = gateway(shape="form", user="AC1", password="secret").request("n1", "+431", text)
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert headers["Authorization"] == "Basic QUMxOnNlY3JldA=="
    assert parse_qs(body.decode()) == {"To": ["+431"], "From": ["BOX"], "Body": [text]}
    fields = {"recipient": "{digits}", "message": "{text}", "ref": "boxoffice-{id}"}
    headers, body = gateway(fields=fields, bearer="token").request("n1", "+431", text)
    assert headers == {"Content-Type": "application/json", "Authorization": "Bearer token"}
    assert json.loads(body) == {"recipient": "431", "message": text, "ref": "boxoffice-n1"}
    proof = {"hmac_secret": "a-key-of-the-gateway", "hmac_header": "X-Sign"}
    headers, body = gateway(**proof).request("n1", "+431", text)
    assert headers["X-Sign"] == hmac.new(b"a-key-of-the-gateway", body, hashlib.sha256).hexdigest()


def test_words_of_a_gateway_are_few():
    """A kind or shape that there is not is refused with those that there are."""
    for options, why in (
        ({"kind": "pigeon"}, "sms.kind: must be http"),
        ({"shape": "xml"}, "sms.shape: must be one of json, form"),
        ({"colour": "red"}, "sms.colour: unknown; known are kind, url, shape, fields"),
    ):
        with pytest.raises(Invalid, match=why):
            gateway(**options)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"kind": "pigeon"}, "sms.kind"),
        ({"url": "ftp://sms.example"}, "sms.url"),
        ({"fields": {"To": "{to}", "Body": "hello"}}, "sms.fields"),
        ({"fields": {"Body": "{text}", "x": "y"}}, "sms.fields"),
        ({"fields": {"To": "{to}", "Body": "{text} {city}"}}, "sms.fields"),
        ({"bearer": "a", "hmac_secret": "b" * 16}, "sms"),
        ({"user": "a"}, "sms"),
        ({"bearer": ""}, "sms.bearer"),
        ({"user": "a", "password": " b"}, "sms.password"),
        ({"hmac_secret": "short"}, "sms.hmac_secret"),
        ({"parts_max": 0}, "sms.parts_max"),
        ({"country_code": "+43"}, "sms.country_code"),
        ({"colour": "red"}, "sms.colour"),
    ],
)
def test_a_wrong_gateway_is_refused(options, field):
    """The option that is wrong is named, and no secret is repeated."""
    with pytest.raises(Invalid) as caught:
        gateway(**options)
    assert caught.value.field == field


def is_quiet(hours, at, zone):
    """Tell by the clocks there whether it is quiet."""
    now = at.astimezone(zone).strftime("%H:%M:%S")
    since, until = f"{hours.since:%H:%M:%S}", f"{hours.until:%H:%M:%S}"
    return since <= now < until if since < until else now >= since or now < until


@given(MINUTES, MINUTES, st.integers(0, 400 * 24 * 60), ZONES)
def test_quiet_hours_are_waited_for_and_no_longer(since, until, minute, name):
    """Whatever the clocks do: the instant is the first from then on at which it is not quiet."""
    if since == until:
        return
    hours = Quiet(since=time(since // 60, since % 60), until=time(until // 60, until % 60))
    zone = ZoneInfo(name)
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    free = hours.free_from(at, zone)
    assert not is_quiet(hours, free, zone)
    assert at <= free <= at + timedelta(hours=25)
    if free > at:
        steps = int((free - at) / timedelta(minutes=15))
        looks = [
            at,
            free - timedelta(seconds=1),
            *(at + n * timedelta(minutes=15) for n in range(steps)),
        ]
        assert all(is_quiet(hours, look, zone) for look in looks)


@pytest.mark.parametrize(
    "text", ["21-8", "21:00-21:00", "24:00-08:00", "21:00 - 08:00", "9:00-10:00"]
)
def test_hours_that_are_none_are_refused(text):
    """Two times of the day, and not the same."""
    with pytest.raises(Invalid, match=r"notices\.quiet\.sms"):
        Quiet.parse("notices.quiet.sms", text)
