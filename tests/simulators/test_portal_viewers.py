"""OAuth2 and API v2: what a viewer may see of his own account."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.simulators.http import FORM, Answer, PortalClient, call
from tests.simulators.process import RunningSimulator

MAC1 = "00:1A:79:00:00:01"
USER1 = f"login=user1&password=pw1&account_number=1001&tariff_plan=basic&status=1&stb_mac={MAC1}"


@pytest.fixture
def viewer(portal: RunningSimulator, client: PortalClient) -> PortalClient:
    """Return a client of a portal that knows user1 and does not wait against guessing."""
    client.ok("POST", "accounts/", USER1)
    portal.admin("/tamper", {"op": "config", "set": {"auth_delay_ms": 0}})
    return client


def sign_in(viewer: PortalClient, **fields: str) -> Any:
    """Ask for a token; the status is always 200."""
    wish = {"grant_type": "password", "username": "user1", "password": "pw1", **fields}
    headers = {"Content-Type": FORM}
    path = "/stalker_portal/auth/token"
    answer = call(viewer.url, "POST", path, urlencode(wish), headers)
    assert answer.status == 200
    return answer.json


def look(viewer: PortalClient, path: str, token: str) -> Answer:
    """Read from API v2."""
    headers = {"Authorization": f"Bearer {token}"}
    return call(viewer.url, "GET", f"/stalker_portal/api/v2/{path}", None, headers)


def test_good_sign_in(viewer: PortalClient) -> None:
    """A right password gives a bearer token that names the user."""
    token = sign_in(viewer)
    assert (token["token_type"], token["user_id"], token["expires_in"]) == ("bearer", 1, 86400)
    assert token["access_token"].startswith("1.")
    assert token["portal_url"].startswith(viewer.url)


def test_refused_sign_in(viewer: PortalClient) -> None:
    """Refusals are told inside HTTP 200."""
    assert sign_in(viewer, grant_type="")["error"] == "invalid_request"
    assert sign_in(viewer, password="no")["error"] == "invalid_client"
    assert sign_in(viewer, username="ghost")["error"] == "invalid_client"
    viewer.ok("PUT", "users/user1", "status=0")
    assert sign_in(viewer)["error"] == "access_denied"


def test_refresh_rotates_both_tokens(viewer: PortalClient) -> None:
    """A refresh gives new tokens and voids the old ones."""
    old = sign_in(viewer)
    wish = {"grant_type": "refresh_token", "refresh_token": old["refresh_token"]}
    new = sign_in(viewer, **wish)
    assert look(viewer, "users/1", new["access_token"]).status == 200
    assert look(viewer, "users/1", old["access_token"]).status == 401
    assert sign_in(viewer, **wish)["error"] == "invalid_client"


def test_own_account_only(viewer: PortalClient) -> None:
    """Real status codes: 401 without a token, 403 for others, 404 for what is not there."""
    token = sign_in(viewer)["access_token"]
    own = look(viewer, "users/1", token)
    assert own.status == 200
    assert (own.json["results"]["account"], own.json["results"]["mac"]) == ("1001", MAC1)
    assert look(viewer, "users/2", token).status == 403
    assert look(viewer, "nosuch", token).status == 404
    assert look(viewer, "users/1/nosuch", token).status == 404
    assert look(viewer, "users/1", "1.0000").status == 401


def test_channels_follow_the_grant(viewer: PortalClient) -> None:
    """A viewer counts the channels of his packages."""
    token = sign_in(viewer)["access_token"]
    assert len(look(viewer, "users/1/tv-channels", token).json["results"]) == 1
    viewer.ok("PUT", "users/user1", "tariff_plan=premium")
    assert len(look(viewer, "users/1/tv-channels", token).json["results"]) == 4


def test_block_voids_the_token(viewer: PortalClient) -> None:
    """After a block the token is worthless, and stays so when the account opens again."""
    token = sign_in(viewer)["access_token"]
    viewer.ok("PUT", "users/user1", "status=0")
    assert look(viewer, "users/1", token).status == 401
    viewer.ok("PUT", "users/user1", "status=1")
    assert look(viewer, "users/1", token).status == 401


@pytest.mark.parametrize(
    "part", ["message", "message-history", "modules", "ping", "settings", "payment-info", "pvr"]
)
def test_parts_of_the_account(viewer: PortalClient, part: str) -> None:
    """Every part of the account can be read."""
    token = sign_in(viewer)["access_token"]
    answer = look(viewer, f"users/1/{part}", token)
    assert (answer.status, answer.json["status"]) == (200, "OK")
