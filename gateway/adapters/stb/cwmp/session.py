"""One session of a box (TR-069, 3.7): it asks what it has, then it is asked, one at a time.

The box speaks through requests that come and go; whoever asks it waits for the next of them. A
session outlives the loss of a connection: what comes twice is answered twice, and alike.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gateway.adapters.inbound import Due, Reply
from gateway.adapters.sdk import Access
from gateway.adapters.stb.cwmp import writing
from gateway.adapters.stb.cwmp.faults import Faulted
from gateway.adapters.stb.cwmp.gate import Caller
from gateway.adapters.stb.cwmp.maps import ParameterMap
from gateway.adapters.stb.cwmp.soap import Envelope, Inform, Unreadable, fault_of
from terms.errors import Retryable, Unreachable, untouched

LINK_LOST_S = 30.0
SESSION_S_MAX = 300.0
QUESTIONS_MAX = 64
SOAP_HEADERS = {"Content-Type": 'text/xml; charset="utf-8"', "SOAPAction": ""}
OVER = Reply(status=204)
BAD = Reply(status=400, headers={"Connection": "close"})
_LOST = "the box was lost in the middle of a session"


@dataclass(slots=True, kw_only=True, eq=False)
class Session:
    """One session. Times are seconds of the loop's clock."""

    cookie: str
    caller: Caller
    peer: str
    inform: Inform
    namespace: str
    map: ParameterMap | None
    access: Access
    began_s: float
    touched_s: float
    # Whose it is, where the box may be worked on.
    ref: str | None = None
    due: Due | None = None
    is_proven: bool = False
    is_asked_again: bool = False
    story: asyncio.Task[None] | None = None
    _turn: asyncio.Future[Reply] | None = None
    _answer: asyncio.Future[Envelope] | None = None
    _number: int = 0
    _last: str | None = None
    is_over: bool = False

    def is_late(self, now_s: float) -> bool:
        """Tell whether nothing more is to be expected of the box."""
        is_old = now_s - self.began_s > SESSION_S_MAX
        return is_old or (now_s - self.touched_s > LINK_LOST_S and self.story is None)

    # -- the box's side

    def take(self, envelope: Envelope | None) -> asyncio.Future[Reply] | None:
        """Take what the box has posted (None: nothing) and promise what it gets for it.

        None where it is out of turn; a repetition is promised what was promised before.
        """
        said = "nothing" if envelope is None else f"answer {envelope.id}"
        if self._turn is not None and said == self._last:
            return self._turn
        if envelope is None:
            is_in_turn = self._last is None
        else:
            is_in_turn = self._answer is not None and envelope.id == str(self._number)
        if not is_in_turn:
            return None
        self._last = said
        self._turn = asyncio.get_running_loop().create_future()
        if envelope is not None and self._answer is not None and not self._answer.done():
            self._answer.set_result(envelope)
        return self._turn

    # -- the story's side

    async def ask(self, method: str, body: str) -> Envelope:
        """Ask the box for something and wait for its answer.

        Raises Faulted for a fault, Unreachable where the box is lost meanwhile, Retryable where
        the answer is none.
        """
        if self.is_over or self._turn is None or self._number >= QUESTIONS_MAX:
            raise untouched(Unreachable("the session with the box is over"))
        self._number += 1
        self._answer = asyncio.get_running_loop().create_future()
        content = writing.envelope(self.namespace, str(self._number), body)
        self._give(Reply(status=200, headers=SOAP_HEADERS, body=content))
        try:
            async with asyncio.timeout(LINK_LOST_S):
                answer = await self._answer
        except TimeoutError:
            self.abort()
            raise Unreachable(_LOST) from None
        except asyncio.CancelledError:
            self.abort()
            raise
        finally:
            self._answer = None
        return self._checked(answer, method)

    def finish(self) -> None:
        """Let the box go, as after a session that went well."""
        self.is_over = True
        self._give(OVER)

    def abort(self) -> None:
        """Give the session up; what the box was asked last may still take effect."""
        self.is_over = True
        self._give(BAD)
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Unreachable(_LOST))

    def broke(self, bug: Exception) -> None:
        """End on a mistake of ours, which shows at the box's next request."""
        self.is_over = True
        if self._turn is not None and not self._turn.done():
            self._turn.set_exception(bug)

    def _give(self, reply: Reply) -> None:
        if self._turn is not None and not self._turn.done():
            self._turn.set_result(reply)

    def _checked(self, answer: Envelope, method: str) -> Envelope:
        if answer.method == "Fault":
            try:
                fault = fault_of(answer)
            except Unreadable as error:
                raise Retryable(f"a fault of the box cannot be read: {error}") from None
            raise Faulted(fault)
        if answer.method != f"{method}Response":
            raise Retryable(f"the box answered {method} with something else")
        return answer
