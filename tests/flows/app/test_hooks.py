"""Messages of a payment provider at the door: the good ones once, the bad ones without a trace."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from app.imports.load import import_paths
from tests.flows.app.paying import cleared, signed
from tests.flows.app.served import ENVIRONMENT, HARBOUR, HARBOUR_BEGINS, at_work, go_to, rest

HOOK = "/hooks/payments/cards"
BODY = cleared("200001", 2640)


async def events(house) -> int:
    """How many messages are stored."""
    async with house.store.read() as tx:
        ((count,),) = await tx.fetch("SELECT count(*) FROM provider_event")
    return count


async def postings(house) -> tuple[int, int]:
    """How many movements of money and postings there are."""
    async with house.store.read() as tx:
        ((moved,),) = await tx.fetch("SELECT count(*) FROM movement")
        ((posted,),) = await tx.fetch("SELECT count(*) FROM posting")
    return moved, posted


async def test_a_good_message_is_stored_marked_and_answered(harbour, served):
    """A signed message gets 200 and leaves one stored event and one mark, no more."""
    status, body, _ = await served.raw("POST", HOOK, data=BODY, headers=signed(BODY))
    assert (status, json.loads(body)) == (200, {})
    assert await events(harbour) == 1
    assert await postings(harbour) == (0, 0)
    (claim,) = await harbour.work.claim("intake")
    assert claim.key


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Stripe-Signature": ""},
        {"Stripe-Signature": "t=,v1="},
        {"Stripe-Signature": "v1=" + "0" * 64},
        {"Stripe-Signature": f"t={int(time.time())},v1={'0' * 64}"},
        {"Stripe-Signature": f"t={int(time.time())},v1=ä"},
        {"Stripe-Signature": "t=" + "9" * 5000 + ",v1=0"},
        signed(BODY, secret="whsec_other"),
        signed(BODY + b" "),
        signed(BODY, at=time.time() - 3600),
        signed(BODY, at=time.time() + 3600),
        {"Stripe-Signature": signed(BODY)["Stripe-Signature"].replace("v1=", "v0=")},
    ],
)
async def test_a_message_of_somebody_else_has_no_effect(harbour, served, headers, capfd):
    """No, a wrong, an old and a future signature get 400, store nothing and log no secret."""
    status, body, _ = await served.raw("POST", HOOK, data=BODY, headers=headers)
    assert status == 400
    assert json.loads(body)["title"] == "not from the provider"
    assert await events(harbour) == 0
    out, err = capfd.readouterr()
    assert "canary" not in out + err + body.decode()


async def test_a_signed_message_that_is_no_event_is_refused(harbour, served):
    """What the provider signed but is no event of its kind gets 400 and is not stored."""
    for body in (b"", b"[]", b"{}", b"not json", b'{"id": 5}', b"\xff"):
        status, _, _ = await served.raw("POST", HOOK, data=body, headers=signed(body))
        assert status == 400, body
    assert await events(harbour) == 0


async def test_a_message_too_large_is_refused(harbour, served):
    """Beyond 256 KiB nothing is read to its end."""
    body = BODY + b" " * (256 * 1024)
    status, _, _ = await served.raw("POST", HOOK, data=body, headers=signed(body))
    assert status == 413
    assert await events(harbour) == 0


async def test_an_unknown_provider_is_not_found(harbour, served):
    """A message under a name nobody configured gets 404."""
    path = "/hooks/payments/nobody"
    status, _, _ = await served.raw("POST", path, data=BODY, headers=signed(BODY))
    assert status == 404
    assert (await served.raw("GET", HOOK))[0] == 405
    assert await events(harbour) == 0


async def test_fifty_copies_at_once_are_one_payment(harbour, served):
    """One message delivered fifty times at once is answered fifty times and booked once."""

    async def deliver() -> int:
        return (await served.raw("POST", HOOK, data=BODY, headers=signed(BODY)))[0]

    async with at_work(harbour):
        statuses = await asyncio.gather(*(deliver() for _ in range(50)))
        await rest(harbour, "intake", "settle")
    assert statuses == [200] * 50
    assert await events(harbour) == 1
    assert await postings(harbour) == (1, 1)


async def test_a_copy_brings_a_lost_mark_back(harbour, served):
    """A message whose work was lost before it was taken up is booked when it comes again."""
    for _ in range(2):
        async with harbour.store.begin() as tx:
            await tx.driver("DELETE FROM work")
        status, _, _ = await served.raw("POST", HOOK, data=BODY, headers=signed(BODY))
        assert status == 200
    async with at_work(harbour):
        await rest(harbour, "intake", "settle")
    assert await events(harbour) == 1
    assert await postings(harbour) == (1, 1)
    status, _, _ = await served.raw("POST", HOOK, data=BODY, headers=signed(BODY))
    assert status == 200
    assert await harbour.work.claim("intake") == []


async def test_a_provider_configured_meanwhile_is_known_at_once(house, served):
    """A message for a provider that another process has just imported is taken."""
    status, _, _ = await served.raw("POST", HOOK, data=BODY, headers=signed(BODY))
    assert status == 404
    await go_to(house, HARBOUR_BEGINS)
    await import_paths(house, [HARBOUR], ENVIRONMENT)
    house.providers.clear()
    status, _, _ = await served.raw("POST", HOOK, data=BODY, headers=signed(BODY))
    assert status == 200


TRICKS = {
    "two lengths": [b"Content-Length: 4", b"Content-Length: %d" % len(BODY)],
    "two lengths in one": [b"Content-Length: 4, %d" % len(BODY)],
    "a length and chunks": [b"Content-Length: %d" % len(BODY), b"Transfer-Encoding: chunked"],
    "a length with a sign": [b"Content-Length: +%d" % len(BODY)],
    "chunks under another name": [b"Transfer-Encoding: xchunked"],
    "a packed body": [b"Content-Length: %d" % len(BODY), b"Content-Encoding: gzip"],
    "no length": [],
}


@pytest.mark.parametrize("name", list(TRICKS))
async def test_a_message_whose_end_is_unclear_has_no_effect(harbour, served, name):
    """However its head is bent, what could be read in two ways is refused and stores nothing."""
    port = int(served.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    mark = signed(BODY)["Stripe-Signature"].encode()
    head = [b"POST /hooks/payments/cards HTTP/1.1", b"Host: x", b"Connection: close"]
    head += [b"Content-Type: application/json", b"Stripe-Signature: " + mark, *TRICKS[name]]
    writer.write(b"\r\n".join([*head, b"", BODY]))
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    assert answer.split()[1].startswith(b"4"), answer[:200]
    assert await events(harbour) == 0


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "", "a" * 500])
async def test_its_kind_of_content_makes_no_message_another(harbour, served, kind):
    """What it calls itself changes nothing: the bytes are proven, and nothing else is believed."""
    headers = signed(BODY, secret="whsec_other") | {"Content-Type": kind}
    assert (await served.raw("POST", HOOK, data=BODY, headers=headers))[0] == 400
    assert await events(harbour) == 0
    headers = signed(BODY) | {"Content-Type": kind}
    assert (await served.raw("POST", HOOK, data=BODY, headers=headers))[0] == 200
    assert await events(harbour) == 1
