"""Things on the network that nobody knows. In the first week all that is met counts as known; afterwards what was never met, is taken up by
nobody and stays for a day is told, once. A MAC that was made up (phones do that for each network) is nobody's and tells nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from hub_agent.core.monitor import Given
from hub_agent.core.security.home import Met
from hub_agent.core.security.incidents import DAMAGED, ROOM, Incidents
from hub_agent.model.effects import Durability, Save
from hub_agent.model.json import JsonObject

KEY: Final = "strangers"
LEARNS: Final = timedelta(days=7)
STAYS: Final = timedelta(days=1)
# One that is told of is no stranger any more after this long, and one that is away for so long is gone.
FORGIVEN: Final = timedelta(days=14)
AWAY: Final = timedelta(days=1)
KNOWN_MAX: Final = 2_000
WAITING_MAX: Final = 200


class Strangers:
    def __init__(self, incidents: Incidents) -> None:
        self._incidents = incidents
        self._learns_until: datetime | None = None
        self._known: dict[str, None] = {}
        # First and last time that it was met.
        self._waiting: dict[str, tuple[datetime, datetime]] = {}
        self._told: dict[str, tuple[datetime, datetime]] = {}
        self._kept: JsonObject = {}

    def restore(self, saved: Mapping[str, JsonObject], now: datetime) -> None:
        body = saved.get(KEY, {})
        try:
            self._learns_until = datetime.fromisoformat(str(body["learns_until"]))
            self._known = dict.fromkeys(str(each) for each in _list(body["known"]))
            self._waiting = _times(body["waiting"], now)
            self._told = _times(body["told"], now)
        except DAMAGED:
            # Begun anew: who is there now is known.
            self._learns_until, self._known, self._waiting, self._told = now + LEARNS, {}, {}, {}
        self._kept = body

    def look(self, met: Iterable[Met], now: datetime) -> list[Given]:
        """Now and then, at whatever is on the network."""
        given: list[Given] = []
        for each in met:
            mac = plain(each.mac)
            if mac is None or is_made_up(mac):
                continue
            if mac in self._told:
                given += self._see_again(mac, each, now)
            elif mac not in self._known:
                given += self._see(mac, each, now)
        given += self._let_go(now)
        body = self._body()
        if body == self._kept:
            return given
        self._kept = body
        return [*given, Save(ROOM, KEY, body, Durability.LAZY)]

    def handle_clock_step(self, by: timedelta) -> None:
        if self._learns_until is not None:
            self._learns_until += by
        self._waiting = {mac: (first + by, last + by) for mac, (first, last) in self._waiting.items()}
        self._told = {mac: (first + by, last + by) for mac, (first, last) in self._told.items()}

    def _see(self, mac: str, met: Met, now: datetime) -> list[Given]:
        if met.is_claimed or (self._learns_until is not None and now < self._learns_until):
            self._know(mac)
            return []
        first = self._waiting.pop(mac, (now, now))[0]
        if now - first < STAYS or len(self._known) >= KNOWN_MAX:
            self._waiting[mac] = (first, now)
            if len(self._waiting) > WAITING_MAX:
                del self._waiting[next(iter(self._waiting))]
            return []
        self._told[mac] = (now, now)
        details: JsonObject = {"name": met.name[:100] or "Something", "address": met.address}
        return self._incidents.note("stranger", mac, now, details=details)

    def _see_again(self, mac: str, met: Met, now: datetime) -> list[Given]:
        first = self._told[mac][0]
        if met.is_claimed or now - first >= FORGIVEN:
            return self._know(mac, now)
        self._told[mac] = (first, now)
        return []

    def _let_go(self, now: datetime) -> list[Given]:
        self._waiting = {mac: times for mac, times in self._waiting.items() if now - times[1] < AWAY}
        gone = [mac for mac, (_, last) in self._told.items() if now - last >= AWAY]
        return [given for mac in gone for given in self._know(mac, now)]

    def _know(self, mac: str, now: datetime | None = None) -> list[Given]:
        self._waiting.pop(mac, None)
        self._told.pop(mac, None)
        if len(self._known) < KNOWN_MAX:
            self._known[mac] = None
        return [] if now is None else self._incidents.end("stranger", mac, now)

    def _body(self) -> JsonObject:
        return {
            "learns_until": self._learns_until.isoformat() if self._learns_until else None,
            "known": sorted(self._known),
            # The last time is not kept: it changes all the time, and a restart takes what is there for met now.
            "waiting": {mac: first.isoformat() for mac, (first, _) in sorted(self._waiting.items())},
            "told": {mac: first.isoformat() for mac, (first, _) in sorted(self._told.items())},
        }


def plain(mac: str) -> str | None:
    """Twelve hexadecimal digits in lower case, or None if it is no MAC."""
    digits = mac.casefold().replace(":", "").replace("-", "")
    return digits if len(digits) == 12 and all(each in "0123456789abcdef" for each in digits) else None


def is_made_up(mac: str) -> bool:
    """The second bit of the first byte: locally administered, as phones and virtual machines have it."""
    return bool(int(mac[:2], 16) & 0b11)


def _times(saved: object, now: datetime) -> dict[str, tuple[datetime, datetime]]:
    if not isinstance(saved, Mapping):
        raise TypeError("no times")
    read = {str(mac): datetime.fromisoformat(str(first)) for mac, first in saved.items()}
    return {mac: (first, now) for mac, first in read.items()}


def _list(saved: object) -> list[object]:
    if not isinstance(saved, list | tuple):
        raise TypeError("no list")
    return list(saved)
