"""Every fault of the simulated boxes, and what a household notices of it when it is over.

A trouble ends by itself unless `person` is there: the words that tell somebody what to look after.
What makes no sense for a picture stands in EXCUSED with its reason.
"""

from dataclasses import dataclass

CLAIM = "technician has to claim it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One fault. `spec` is how a simulator is told of it; {box} is the serial it hits.

    `ends` is what is done to the box besides, so that the fault is over: restart it, for example.
    """

    spec: str
    person: str = ""
    ends: str = ""

    @property
    def name(self) -> str:
        """The fault's name."""
        return self.spec.partition(":")[0]

    def told(self, box: str, other: str) -> str:
        """Word it for one box; {other} is another household's."""
        text = self.spec.format(box=box, other=other)
        return text if "match=" in text else f"{text}:match={box}"


def _of(*specs: str, person: str = "", ends: str = "") -> tuple[Trouble, ...]:
    return tuple(Trouble(spec=spec, person=person, ends=ends) for spec in specs)


SSH = (
    *_of("silent", "slow:50ms", "slow:2s:match=SET {box}", "drip:5ms"),
    *_of("reset", "reset:match=SET {box}", "lost:match=SET {box}", "silent:match=SET {box}"),
    *_of("half:connection", "half:text"),
    *_of("garbage", "error:77", "throttled", "conflict"),
    *_of("crash:match=SET {box}", "crowded", "banner_silence", "slow_banner:4s"),
    *_of("error:3", "unauthorized", "refused:no", person="the box does not"),
    *_of("huge:1MB", person="answers more than 65536 bytes"),
    *_of("wrong_host_key", "other_host_key", person=CLAIM),
    *_of("auth_refused", person="does not let 'oper' in with our key"),
    *_of("legacy", person="it may need the option legacy"),
    *_of("down"),
)
SNMP = (
    *_of("silent", "slow:50ms", "slow:2s:match=SET {box}", "drip:50ms"),
    *_of("reset", "reset:match=SET {box}", "lost:match=SET {box}", "error:5", "throttled"),
    *_of("crash:match=SET {box}", "half_set", "wrong_request_id", "null_forgery"),
    *_of("duplicate", "truncated", "malformed", "too_big", "odd_values"),
    *_of("conflict", "unauthorized", "refused", "read_only", person="the box refuses"),
    *_of("down", "loss:60"),
)
CWMP = (
    *_of("slow:50ms", "crash", "flap:200ms", "nat", "clock_1970", "clone:{other}", "odd_values"),
    *_of("wrong_password:count=3", "nonce_replay", "lost_link:between", "lost_link:answer"),
    *_of("half_open:1s", "slow_loris:0.2ms", "torn_gzip"),
    *_of("odd_xml:prefix", "odd_xml:pretty", "odd_xml:space", "odd_xml:count"),
    *_of("status_1", "cwmp_fault:9002", "reboot_in_set:before", "reboot_in_set:after"),
    *_of("stale", ends="crash"),
    *_of("key_stuck", person="kept its old ParameterKey"),
    *_of("cwmp_fault:9003:match={box} SetParameterValues$", person="the box refuses the arguments"),
    *_of("down", "skew:1h"),
)
TROUBLES = {"ssh": SSH, "snmp": SNMP, "cwmp": CWMP}

_NO_TEXT = "the text of an answer is no part of this protocol's ways to go wrong"
_NO_CLOCK = "nothing that is said to the box or by it has a time in it"
EXCUSED = {
    "ssh": {"skew": _NO_CLOCK, "loss": "TCP sends again what was lost"},
    "snmp": {
        "skew": _NO_CLOCK,
        "half": _NO_TEXT,
        "huge": "a datagram holds 64 KiB",
        "garbage": _NO_TEXT,
        "endless_walk": "nobody walks: what is read is asked for by its name",
    },
    "cwmp": {
        "lies": "a box that tells what it was set to, and proves it by its key, cannot be seen "
        "through: its household is dark at the portal, and the next wish finds it",
        "unknown_name_crash": "only names of its map are asked of a box",
        "plain_boot": "strikes a factory reset, which is a story of its own",
        "loss": "TCP sends again what was lost",
    },
}
