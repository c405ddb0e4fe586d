"""Who signed a message of Stripe: our check, judged by the provider's own library."""

import json
import time
from datetime import UTC, datetime

import stripe
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from billing.payments.providers.stripe.events import check_signature
from terms.errors import Forbidden

OLD, NEW, OTHER = "whsec_old", "whsec_new", "whsec_other"
TOLERANCE_S = 300
# Seconds by which the telling of the time may differ between the two looks at the clock.
AGES_S = st.one_of(st.integers(-4000, -305), st.integers(-290, 290), st.integers(305, 4000))
BODIES = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=9), max_size=3)


def ours(header: str, body: bytes) -> bool:
    """Tell whether we believe a message, while NEW replaces OLD."""
    try:
        check_signature(
            header,
            body,
            secrets=[SecretStr(OLD), SecretStr(NEW)],
            machine_now=datetime.now(UTC),
            tolerance_s=TOLERANCE_S,
        )
    except Forbidden:
        return False
    return True


def theirs(header: str, body: bytes) -> bool:
    """Tell whether the library believes it, by one secret or the other."""
    for secret in (OLD, NEW):
        try:
            stripe.Webhook.construct_event(body, header, secret, TOLERANCE_S)
        except stripe.SignatureVerificationError:
            continue
        return True
    return False


def signed(body: str, secret: str, at: int) -> str:
    """Sign as the library signs."""
    return stripe.WebhookSignature.generate_signature_header(body, secret, at)


@given(
    BODIES,
    st.lists(st.sampled_from([OLD, NEW, OTHER]), min_size=1, max_size=3),
    AGES_S,
    st.sampled_from(["as it came", "written anew", "a blank more", "another amount"]),
    st.sampled_from(["v1", "v0"]),
)
def test_we_believe_what_the_library_believes(told, secrets, age_s, change, scheme):
    """Right, wrong, stale, rotated and re-serialised alike; only the future we refuse besides."""
    body = json.dumps({**told, "object": "event", "amount": 1990}, indent=1)
    at = int(time.time()) - age_s
    marks = [signed(body, secret, at).partition(",")[2] for secret in secrets]
    header = ",".join([f"t={at}", *marks]).replace("v1=", f"{scheme}=")
    came = {
        "as it came": body,
        "written anew": json.dumps(json.loads(body)),
        "a blank more": f"{body} ",
        "another amount": body.replace("1990", "1991"),
    }[change]
    is_future = age_s < -TOLERANCE_S
    assert ours(header, came.encode()) == (theirs(header, came.encode()) and not is_future)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=60))
def test_no_header_is_believed_that_the_library_refuses(junk):
    """Whatever stands in the header, nothing is let in that the library keeps out."""
    body = '{"object": "event"}'
    good = signed(body, NEW, int(time.time()))
    for header in (junk, f"{junk},{good}", f"{good},{junk}", good.replace("=", junk, 1)):
        assert theirs(header, body.encode()) or not ours(header, body.encode())
