"""What the API refuses: anything that is not exactly what it asks for, on either engine alike."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from pydantic import BaseModel, ValidationError

from app.web.api.routes import API

PAY = "/api/v1/accounts/200001/payments"
SIGN_UP = "/api/v1/accounts"
ORDER = '"contract": "300001", "name": "Flat", "plan": "HARBOUR"'
DEEP = b'{"amount": ' + b"[" * 20_000 + b"]" * 20_000 + b', "reference": "R"}'

# A body, where it is sent, and the field that the refusal has to name.
WRONG = [
    (PAY, b'{"amount": true, "reference": "R"}', "amount"),
    (PAY, b'{"amount": 1.0, "reference": "R"}', "amount"),
    (PAY, b'{"amount": 5, "reference": "R"}', "amount"),
    (PAY, b'{"amount": 1e2, "reference": "R"}', "amount"),
    (PAY, b'{"amount": NaN, "reference": "R"}', "amount"),
    (PAY, b'{"amount": -Infinity, "reference": "R"}', "amount"),
    (PAY, b'{"amount": 1e400, "reference": "R"}', "amount"),
    (PAY, b'{"amount": ' + b"9" * 5_000 + b', "reference": "R"}', "body"),
    (PAY, b'{"amount": "1e2", "reference": "R"}', "amount"),
    (PAY, b'{"amount": "5.00\\n", "reference": "R"}', "amount"),
    (PAY, b'{"amount": "-5.00", "reference": "R"}', "amount"),
    (PAY, '{"amount": "\uff15.00", "reference": "R"}'.encode(), "amount"),
    (PAY, b'{"amount": "5_0", "reference": "R"}', "amount"),
    (PAY, b'{"amount": null, "reference": "R"}', "amount"),
    (PAY, b'{"amount": ["5.00"], "reference": "R"}', "amount"),
    (PAY, b'{"reference": "R"}', "amount"),
    (PAY, b'{"amount": "5.00", "reference": "R\\u0000"}', "reference"),
    (PAY, b'{"amount": "5.00", "reference": "R\\ufffe"}', "reference"),
    (PAY, b'{"amount": "5.00", "reference": "\\ud800"}', "body"),
    (PAY, b'{"amount": "5.00", "reference": "\\udc00\\ud800"}', "body"),
    (PAY, b'{"amount": "5.00", "reference": "\xed\xa0\x80"}', "body"),
    (PAY, b'{"amount": "5.00", "reference": "\xff"}', "body"),
    (PAY, b'{"amount": "5.00", "reference": "R", "amount": "6.00"}', "amount"),
    (PAY, b'{"amount": "5.00", "reference": "R", "balance": 1}', "balance"),
    (PAY, b'\xef\xbb\xbf{"amount": "5.00", "reference": "R"}', "body"),
    (PAY, '{"amount": "5.00", "reference": "R"}'.encode("utf-16"), "body"),
    (PAY, b'{"amount": "5.00", "reference": "R"} {}', "body"),
    (PAY, b'{"amount": "5.00", "reference": "R",}', "body"),
    (PAY, b"{'amount': '5.00', 'reference': 'R'}", "body"),
    (PAY, DEEP, "body"),
    (SIGN_UP, f'{{{ORDER}, "bill_day": true}}'.encode(), "bill_day"),
    (SIGN_UP, f'{{{ORDER}, "bill_day": 1.0}}'.encode(), "bill_day"),
    (SIGN_UP, f'{{{ORDER}, "bill_day": "1"}}'.encode(), "bill_day"),
    (SIGN_UP, f'{{{ORDER}, "bill_day": 1e0}}'.encode(), "bill_day"),
    (SIGN_UP, f'{{{ORDER}, "bill_day": {"9" * 5_000}}}'.encode(), "body"),
    (SIGN_UP, f'{{{ORDER}, "bill_day": 1e400}}'.encode(), "bill_day"),
    (SIGN_UP, f'{{{ORDER}, "bill_day": NaN}}'.encode(), "bill_day"),
    (SIGN_UP, f'{{{ORDER}, "box": {{"serial": "A", "serial": "B"}}}}'.encode(), "box.model"),
    (
        SIGN_UP,
        f'{{{ORDER}, "box": {{"serial": "A", "model": "M", "serial": "B"}}}}'.encode(),
        "serial",
    ),
    (SIGN_UP, f'{{{ORDER}, "addons": {{"0": "SPORT"}}}}'.encode(), "addons"),
    ("/api/v1/boxes/HT2-00001/lost", b'{"on": 1700000000}', "on"),
    ("/api/v1/boxes/HT2-00001/lost", b'{"on": "1700000000"}', "on"),
    ("/api/v1/boxes/HT2-00001/lost", b'{"on": "2026-02-30"}', "on"),
    ("/api/v1/boxes/HT2-00001/lost", b'{"on": "2026-03-01T00:00:00"}', "on"),
]
# A path, and the part, the question or the header that the refusal has to name.
ASKED = [
    ("accounts/a%00b", "contract"),
    ("accounts/a%0Ab", "contract"),
    ("accounts/%F0%9F%92%A9", "contract"),
    ("accounts/%ED%A0%80", "contract"),
    ("accounts/" + "9" * 500, "contract"),
    ("boxes/a%00", "serial"),
    ("boxes/..%2F..%2Fetc", "serial"),
    ("accounts/%27%3B%20DROP%20TABLE--/history", "contract"),
    ("accounts?limit=0", "limit"),
    ("accounts?limit=501", "limit"),
    ("accounts?limit=1.0", "limit"),
    ("accounts?limit=1e2", "limit"),
    ("accounts?limit=%2B5", "limit"),
    ("accounts?limit=1_0", "limit"),
    ("accounts?limit=%D9%A5", "limit"),
    ("accounts?limit=" + "9" * 5_000, "limit"),
    ("accounts?limit=5&limit=5", "limit"),
    ("accounts?search=a%00", "search"),
    ("accounts?nosuch=1", "nosuch"),
    ("accounts?after=x", "after"),
    ("accounts?after=WzFd", "after"),
    ("accounts?after=WyJcdTAwMDAiXQ", "after"),
    ("accounts?after=WyJcdWQ4MDAiXQ", "after"),
    ("orders?after=WzFd", "after"),
    ("parked?after=WzFd", "after"),
    ("parked?after=" + "W" * 601, "after"),
    ("drift?open=yes", "open"),
    ("drift?open=1", "open"),
    ("search", "q"),
    ("search?q=", "q"),
    ("search?q=%20", "q"),
    ("search?q=a%00", "q"),
    ("search?q=a&limit=51", "limit"),
    ("work?x=1", "x"),
]


async def test_what_is_not_exactly_asked_for_is_refused_by_name(counter):
    """Types, numbers, texts, names and encodings: 400 and the field, and nothing is done."""
    headers = {"Authorization": f"Bearer {counter.token}", "Content-Type": "application/json"}
    before = await rows(counter)
    odd: list[object] = []
    for path, body, field in WRONG:
        status, raw, _ = await counter.raw("POST", path, headers=headers, data=body)
        told = json.loads(raw)
        if (status, told.get("field")) != (400, field):
            odd.append((path, body[:80], told))
    for path, field in ASKED:
        status, told = await counter.api("GET", path)
        if (status, told.get("field")) != (400, field):
            odd.append((path[:80], told))
    assert odd == []
    assert await rows(counter) == before


async def test_too_deep_is_refused_by_size_or_depth(harbour, served):
    """A hundred thousand brackets are too many bytes; fewer are too deep."""
    headers = {"Authorization": f"Bearer {served.token}", "Content-Type": "application/json"}
    for count, status in ((100_000, 413), (60_000, 400), (300, 400)):
        found, _, _ = await served.raw("POST", PAY, headers=headers, data=b"[" * count)
        assert found == status, count


async def rows(served) -> list[int]:
    """Count what could have been done."""
    async with served.house.store.read() as tx:
        tables = ("movement", "service", "resource_move", "audit")
        return [(await tx.fetch(f"SELECT count(*) FROM {name}"))[0][0] for name in tables]


def asked_models() -> Iterator[tuple[str, type[BaseModel]]]:
    """Give every model by which something is read, with its route."""
    for route in API:
        for model in filter(None, (route.parts, route.query, route.body)):
            yield f"{route.method} {route.path}", model


def texts() -> Iterator[tuple[str, type[BaseModel], str]]:
    """Give every field of these models that takes a text."""
    for route, model in asked_models():
        for name, schema in model.model_json_schema()["properties"].items():
            if any(one.get("type") == "string" for one in schema.get("anyOf", [schema])):
                yield route, model, name


@pytest.mark.parametrize(("route", "model", "name"), list(texts()))
def test_no_text_takes_what_only_one_engine_would_store(route, model, name):
    """No field anywhere takes U+0000, and none takes a text without an end."""
    for text in ("a\0b", "\0", "x" * 70_000):
        with pytest.raises(ValidationError) as caught:
            model.model_validate({name: text}, strict=False)
        assert name in {one["loc"][0] for one in caught.value.errors()}, route
