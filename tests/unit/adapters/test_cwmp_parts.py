"""Parts of the ACS that need no box: ringable addresses, faults, edges, the maps."""

import pytest
from pydantic import ValidationError

from gateway.adapters.sdk import Action
from gateway.adapters.stb.cwmp import edges, writing
from gateway.adapters.stb.cwmp.bell import is_ringable
from gateway.adapters.stb.cwmp.faults import BoxFault, RefusedParameter, error_of
from gateway.adapters.stb.cwmp.options import CwmpOptions
from gateway.adapters.stb.cwmp.story import phase_of
from runtime.networks import Networks
from terms.errors import Permanent, Retryable, Unsupported

NOBODY = Networks([])
PEER = "10.1.2.3"


@pytest.mark.parametrize(
    "url",
    [
        "http://10.1.2.3:7547/abc",
        "http://10.1.2.3/",
        "http://10.1.2.3:1/a?b=c",
    ],
)
def test_the_address_a_box_called_from_may_be_rung(url: str):
    """Over HTTP, at any port and path."""
    assert is_ringable(url, PEER, NOBODY)
    assert not is_ringable(url, "10.1.2.4", NOBODY)
    assert is_ringable(url, "10.1.2.4", Networks(["10.1.0.0/16"]))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://10.1.2.3/",
        "ftp://10.1.2.3/",
        "http://10.1.2.3@127.0.0.1/",
        "http://user:pass@10.1.2.3/",
        "http://box.example/",
        "http://127.0.0.1:8080/api/v1/clock/advance",
        "http://169.254.169.254/latest",
        "http://0x0a010203/",
        "http://167838211/",
        "http://[::ffff:10.1.2.3]/",
        "http://10.1.2.3:99999/",
        "http://10.1.2.3/#x",
        "http://10.1.2.3/a b",
        "http://10.1.2.3/\r\nX: y",
        "http://" + "1" * 300,
        "//10.1.2.3/",
    ],
)
def test_no_other_address_is_ever_rung(url: str):
    """Other hosts, names, schemes, users, and other ways to write an address."""
    assert not is_ringable(url, PEER, NOBODY)


def test_a_fault_means_what_its_code_says():
    """Arguments and names never get better, resources may; refused parameters are named."""
    for code in (9000, 9003, 9005, 9006, 9007, 9008):
        assert type(error_of(BoxFault(code=code))) is Permanent
        assert error_of(BoxFault(code=code)).is_untouched
    for code in (9001, 9002, 9004, 9010, 9801, 0):
        assert type(error_of(BoxFault(code=code))) is Retryable
    refused = (RefusedParameter(name="Device.A", code=9008), RefusedParameter(name="B", code=9007))
    told = str(error_of(BoxFault(code=9003, parameters=refused)))
    assert "Device.A" in told
    assert "9007" in told
    busy = (RefusedParameter(name="Device.A", code=9004),)
    assert type(error_of(BoxFault(code=9003, parameters=busy))) is Retryable


def test_actions_are_checked_before_anybody_is_rung():
    """Words without words, letters no XML can hold, and unknown actions are Unsupported."""
    for text in ("", " \n", "\ud800", "bell\x07"):
        with pytest.raises(Unsupported):
            edges.check(Action(name="message", params={"text": text}))
    for name in ("", "firmware", "MESSAGE"):
        with pytest.raises(Unsupported):
            edges.check(Action(name=name))
    edges.check(Action(name="reboot"))


def test_keys_and_names_have_their_length():
    """A ParameterKey of 33 characters and an empty name are never written."""
    with pytest.raises(ValueError, match="32"):
        writing.set_values([], "k" * 33)
    with pytest.raises(ValueError, match="256"):
        writing.get_values([""])


def test_every_model_has_a_map():
    """A model without one is refused by name; the operator may bring it."""
    assert CwmpOptions.model_validate({"models": ["RB-1"]}).all_maps()["RB-1"].packages_max == 64
    with pytest.raises(ValidationError, match="XY-9"):
        CwmpOptions.model_validate({"models": ["XY-9"]})
    own = {"active": "Device.X_A.On", "packages": "Device.X_A.List"}
    made = CwmpOptions.model_validate({"models": ["XY-9"], "maps": {"XY-9": own}})
    assert made.all_maps()["XY-9"].key == "Device.ManagementServer.ParameterKey"
    with pytest.raises(ValidationError, match="together"):
        CwmpOptions.model_validate({"models": ["RB-1"], "bootstrap_username": "boot"})
    with pytest.raises(ValidationError):
        CwmpOptions.model_validate({"models": ["RB-1"], "networks": ["public"]})


def test_boxes_are_spread_over_their_period():
    """Neighbouring serials call at different moments of the hour."""
    moments = {phase_of(f"RB{number:08d}", 3600) for number in range(500)}
    assert len(moments) > 250
    assert all(len(one) == len("2020-01-01T00:00:00Z") for one in moments)
