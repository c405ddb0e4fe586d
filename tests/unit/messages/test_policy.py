"""What an operator says of its notices: channels, quiet hours, texts; all else is refused."""

from __future__ import annotations

import json

import pytest

from messages.plan import KINDS, USUAL, Route, Via, Way
from messages.policy import NIGHT, Policy, read_policy
from messages.preview import previews, read_notices
from messages.templates import kinds, languages, write
from terms.errors import Invalid

TOLD = {
    "channels": {"suspended": ["mail", "sms"], "receipt": {"all": ["screen", "mail"]}},
    "quiet": {"mail": "22:00-06:30", "sms": ""},
    "texts": {
        "de": {"suspended": {"sms": "Ihr Dienst ruht: {amount}", "subject": "{operator}: Pause"}},
        "uk": {"suspended": {"screen": "Послугу призупинено: {amount}"}},
    },
}
SMS = {
    "kind": "http",
    "url": "https://sms.example/send",
    "fields": {"To": "{to}", "Body": "{text}"},
}


def test_every_notice_is_known():
    """Whatever there is a text for has its places and a purpose, and nothing else has."""
    assert set(KINDS) == set(kinds())


def test_nothing_said_is_as_it_was():
    """Every notice goes to the screens, in the words that come with the product."""
    policy = read_policy({})
    for kind, about in KINDS.items():
        assert policy.route(kind) == USUAL == Route(via=(Via.SCREEN,))
        for language in languages():
            said = policy.text(kind, language, "screen", about.sample)
            assert said == write(kind, language, about.sample)
    assert policy.quiet_of(Via.SMS) == NIGHT
    assert policy.quiet_of(Via.MAIL) is None


def test_what_is_said_is_read_and_written_alike():
    """The document that is kept reads as the file did."""
    policy = read_policy(TOLD)
    assert policy.route("suspended") == Route(via=(Via.MAIL, Via.SMS))
    assert policy.route("receipt") == Route(via=(Via.SCREEN, Via.MAIL), way=Way.ALL)
    assert policy.quiet_of(Via.SMS) is None
    assert str(policy.quiet_of(Via.MAIL)) == "22:00-06:30"
    assert read_policy(json.loads(policy.document())) == policy


def test_the_operators_words_come_first():
    """Of the language and the part; a part without words of its own says what the screen says."""
    policy, values = read_policy(TOLD), {"amount": "5.00 EUR", "contract": "1", "operator": "TV"}
    assert policy.text("suspended", "de-AT", "sms", values) == "Ihr Dienst ruht: 5.00 EUR"
    assert policy.text("suspended", "de", "subject", values) == "TV: Pause"
    ukrainian = "Послугу призупинено: 5.00 EUR"
    assert policy.text("suspended", "uk", "screen", values) == ukrainian
    assert policy.text("suspended", "uk", "sms", values) == ukrainian
    assert ukrainian in policy.text("suspended", "uk", "mail", values)
    assert policy.text("suspended", "de", "screen", values).startswith("Ihr Dienst ruht, weil")
    assert policy.text("suspended", "fr", "screen", values).startswith("Your service is paused")


def test_the_next_channel_is_the_one_behind():
    """Where the first is enough; where all are told nobody stands in."""
    first = Route(via=(Via.MAIL, Via.SMS, Via.SCREEN))
    assert first.begins == (Via.MAIL,)
    assert [first.behind(via) for via in first.via] == [Via.SMS, Via.SCREEN, None]
    both = Route(via=(Via.MAIL, Via.SMS), way=Way.ALL)
    assert both.begins == both.via
    assert both.behind(Via.MAIL) is None
    assert USUAL.behind(Via.SMS) is None


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"colour": {}}, "notices.colour"),
        ({"channels": {"greeting": ["sms"]}}, "notices.channels.greeting"),
        ({"channels": {"receipt": ["pigeon"]}}, "notices.channels.receipt"),
        ({"channels": {"receipt": []}}, "notices.channels.receipt"),
        ({"channels": {"receipt": ["sms", "sms"]}}, "notices.channels.receipt"),
        ({"channels": {"receipt": "sms"}}, "notices.channels.receipt"),
        ({"channels": {"receipt": {"some": ["sms"]}}}, "notices.channels.receipt.some"),
        ({"quiet": {"screen": "21:00-08:00"}}, "notices.quiet.screen"),
        ({"quiet": {"sms": "9 pm"}}, "notices.quiet.sms"),
        ({"texts": {"german": {}}}, "notices.texts.german"),
        ({"texts": {"de": {"greeting": {}}}}, "notices.texts.de.greeting"),
        ({"texts": {"de": {"receipt": {"fax": "x"}}}}, "notices.texts.de.receipt.fax"),
        ({"texts": {"de": {"receipt": {"sms": "{due_on}"}}}}, "notices.texts.de.receipt.sms"),
        ({"texts": {"de": {"receipt": {"sms": "{amount"}}}}, "notices.texts.de.receipt.sms"),
        ({"texts": {"de": {"receipt": {"sms": "{operator}"}}}}, "notices.texts.de.receipt.sms"),
        ({"texts": {"de": {"receipt": {"subject": "a\nb"}}}}, "notices.texts.de.receipt.subject"),
        ({"texts": {"de": {"receipt": {"sms": " "}}}}, "notices.texts.de.receipt.sms"),
    ],
)
def test_what_is_strange_is_refused(told, field):
    """An unknown channel, kind, part or place, and a text that is none, by its name."""
    with pytest.raises(Invalid) as caught:
        read_policy(told)
    assert caught.value.field == field


def test_short_messages_need_a_gateway_and_few_parts():
    """A kind that goes by short message is refused without a gateway, or where it is too long."""
    told = {"channels": {"receipt": ["sms"]}}
    with pytest.raises(Invalid, match="needs a gateway"):
        read_notices(told, None)
    assert read_notices(told, SMS).route("receipt").via == (Via.SMS,)
    long = {**told, "texts": {"de": {"receipt": {"sms": "ж" * 400}}}}
    with pytest.raises(Invalid, match="is too long") as caught:
        read_notices(long, SMS)
    assert caught.value.field == "notices.texts.de.receipt.sms"


def test_every_notice_can_be_looked_at():
    """The preview has each kind in each language, those of the operator's own too."""
    found = list(previews(read_policy(TOLD), operator="TV"))
    assert {(one.kind, one.language) for one in found} == {
        (kind, language) for kind in KINDS for language in ("de", "en", "uk")
    }
    assert all("{" not in one.screen + one.sms + one.subject + one.mail for one in found)
    assert Policy().languages() == languages()
