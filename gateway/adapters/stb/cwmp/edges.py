"""What can be done at a box once, now: a message on its screen, a restart with its proof.

A box has no other way to end a stream than to restart, so that is what a kick is.
"""

from __future__ import annotations

from gateway.adapters.errands import Errand, Stage
from gateway.adapters.sdk import Action
from gateway.adapters.stb.cwmp import writing
from gateway.adapters.stb.cwmp.faults import Faulted, error_of
from gateway.adapters.stb.cwmp.inside import InSession
from gateway.adapters.stb.cwmp.soap import Inform
from gateway.adapters.stb.cwmp.writing import Value, boolean
from runtime.chance import Chance
from terms.errors import Permanent, Unsupported, untouched

MESSAGE, REBOOT, KICK, FACTORY_RESET = "message", "reboot", "kick", "factory_reset"
REMOVE = "remove"  # no edge, but nothing to be done without the box either
RESTARTS = frozenset({REBOOT, KICK, FACTORY_RESET})
KEY_BITS = 128  # 32 hexadecimal digits: a CommandKey takes no more
TITLE = "Message"
_RESTARTED = "M Reboot"


def check(action: Action) -> None:
    """Refuse what no box can do. Raises Unsupported."""
    if action.name == MESSAGE:
        text = action.params.get("text", "")
        if not text.strip():
            raise Unsupported("a message has words")
        if any("\ud800" <= char <= "\udfff" or not _is_xml(char) for char in text):
            raise Unsupported("the message is no text")
    elif action.name not in RESTARTS:
        raise Unsupported(f"a box knows no action {action.name[:40]!r}")


async def do(box: InSession, errand: Errand) -> Stage:
    """Do what waits for a box, in its session, and tell how far that is.

    Raises a TargetError, untouched where for certain nothing happened.
    """
    action = errand.action
    if action.name == MESSAGE:
        await _show(box, action.params["text"])
        return Stage.DONE
    if action.name == REMOVE:
        await box.remove(errand.ref)
        return Stage.DONE
    await _restart(box, action.name, errand.key)
    return Stage.ASKED


async def _show(box: InSession, text: str) -> None:
    """Show a text once."""
    place, most = box.map.messages, box.map.message_chars_max
    if not place or len(text) > most:
        raise Unsupported(f"this model shows at most {most if place else 0} characters")
    before = await box.get([box.map.key, f"{place}Text"])
    key = before.get(box.map.key, "").strip()
    if not key:
        raise untouched(Permanent("the box holds nothing of ours: nobody is to be told there"))
    if before.get(f"{place}Text") == text:  # the same again would be no news to the box
        await box.set([_flag(place, is_on=False), (f"{place}Text", "string", "")], key)
    await box.set(
        [
            (f"{place}Title", "string", TITLE),
            (f"{place}Text", "string", text),
            (f"{place}RequestedNumberOfRepetitions", "unsignedInt", "1"),
            _flag(place, is_on=True),
        ],
        key,
    )


async def _restart(box: InSession, name: str, key: str) -> None:
    """Have a box restart when its session is over."""
    is_reset = name == FACTORY_RESET
    body = writing.factory_reset() if is_reset else writing.reboot(key)
    try:
        await box.session.ask("FactoryReset" if is_reset else "Reboot", body)
    except Faulted as error:
        raise error_of(error.fault) from None


def key_for(action: Action, chance: Chance) -> str:
    """Make the key by which a restart is known again; a reset box remembers none."""
    return f"{chance.bits(KEY_BITS):032x}" if action.name in {REBOOT, KICK} else ""


def proofs_in(inform: Inform) -> list[str]:
    """List the keys of restarts that a box tells of."""
    return [key for code, key in inform.events if code == _RESTARTED and key]


def has_forgotten(inform: Inform, parameter_key: str) -> bool:
    """Tell whether a box has started without a key of ours, as after a factory reset."""
    return not parameter_key and inform.has("0 BOOTSTRAP", "1 BOOT")


def _flag(place: str, *, is_on: bool) -> Value:
    return f"{place}Enable", "boolean", boolean(is_true=is_on)


def _is_xml(char: str) -> bool:
    return char >= " " or char in "\t\n\r"
