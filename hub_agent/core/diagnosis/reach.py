"""Whether a device can be reached: its dialect, what it hangs on, its power, its link, what it says and is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hub_agent.core.diagnosis.facts import Facts, Heard
from hub_agent.core.diagnosis.step import Status, Step
from hub_agent.core.diagnosis.words import in_words
from hub_agent.core.expectation import number_in
from hub_agent.model.device import Device, DeviceType, ProtocolType
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject, JsonValue

BATTERY_LOW: Final = 15
BATTERY_EMPTY: Final = 5
WEAK_DBM: Final = -82
WEAK_PERCENT: Final = 15
OWN_DIALECTS: Final = frozenset({"hub", "helper"})
_RADIO: Final = frozenset({ProtocolType.ZIGBEE, ProtocolType.ZWAVE, ProtocolType.THREAD, ProtocolType.BLUETOOTH})
# What it says of itself, or makes one think.
_UNWELL: Final = ("device_errors", "device_rebooting", "device_reset")
# What healing calls it when a device cannot be reached or does not do as it is told.
_UNREACHED: Final = ("device_unavailable", "device_silent")


@dataclass(frozen=True, slots=True)
class Subject:
    """A device that is looked at. `issues`: the open ones about it. `has_answered`: what it did when it was asked; None: it was not asked."""

    device: Device
    facts: Facts
    issues: Mapping[str, Issue]
    now: datetime
    has_answered: bool | None = None
    dialect_issue: Issue | None = None

    @property
    def is_over_mqtt(self) -> bool:
        return "peer" not in self.device.native and self.device.origin.dialect not in OWN_DIALECTS

    @property
    def is_over_network(self) -> bool:
        return self.device.protocol in {ProtocolType.WIFI, ProtocolType.ETHERNET}

    @property
    def is_own(self) -> bool:
        return self.device.origin.dialect in OWN_DIALECTS

    @property
    def is_available(self) -> bool | None:
        return self.facts.presence(self.device.id).is_available

    @property
    def is_unreached(self) -> bool:
        return self.is_available is False or any(code in self.issues for code in _UNREACHED)


def look_at_dialect(seen: Subject) -> Step:
    issue = seen.dialect_issue
    if issue is None:
        return Step("dialect", Status.OK, f"Nothing is wrong with {seen.device.origin.dialect} as a whole.")
    advice = "The hub begins it again by itself. If that does not help, restart the hub's agent."
    return Step("dialect", Status.FAILED, issue.text, advice=advice, code=issue.code, severity=issue.kind.severity)


def look_at_parents(seen: Subject) -> Step:
    """The furthest that is away is the one to look at."""
    facts = seen.facts
    plug = facts.plug(seen.device)
    parents = [found for each in facts.parents(seen.device) if (found := facts.device(each)) is not None]
    hung_on = [each for each in parents if plug is None or each.id != plug.id]
    if not hung_on:
        return Step("parents", Status.SKIPPED, "It hangs on nothing else that the hub knows of.")
    away = _furthest_away(hung_on, facts)
    names = ", ".join(each.name for each in hung_on)
    if away is None:
        return Step(
            "parents", Status.OK, f"What it hangs on is there: {names}.", {"parents": [each.id for each in hung_on]}
        )
    word = {DeviceType.BRIDGE: "bridge", DeviceType.ROUTER: "router"}.get(away.device_type, "device")
    facts_told: JsonObject = {"away": away.id, "name": away.name}
    return Step(
        "parents",
        Status.FAILED,
        f"Its {word} {away.name} is away.",
        facts_told,
        advice=f"Look at {away.name} first: its power, its cable, then restart it.",
        at=away.id,
        severity="error",
    )


def _furthest_away(parents: Sequence[Device], facts: Facts) -> Device | None:
    """From the nearest on, and upwards from there."""
    found: Device | None = None
    seen_ids = set()
    ahead = list(parents)
    while ahead:
        each = ahead.pop(0)
        if each.id in seen_ids:
            continue
        seen_ids.add(each.id)
        if facts.is_away(each.id):
            found = each
            further = (facts.device(above) for above in facts.parents(each))
            ahead = [above for above in further if above is not None]
    return found


def look_at_power(seen: Subject) -> Step:
    plug = seen.facts.plug(seen.device)
    if plug is not None:
        return _power_through(plug, seen)
    if seen.facts.is_battery(seen.device):
        return _battery(seen)
    if seen.is_own or (seen.has_answered or not seen.is_unreached):
        return Step("power", Status.OK, "It is heard, so it has power.")
    advice = "Look whether it has power: its plug, its wall switch, the fuse."
    return Step("power", Status.UNKNOWN, "Nothing tells whether it has power.", advice=advice)


def _power_through(plug: Device, seen: Subject) -> Step:
    drawn = seen.facts.drawn_w(plug)
    told: JsonObject = {"plug": plug.id, "drawn_w": drawn}
    if seen.facts.is_switched_off(plug, seen.device):
        advice = f"Switch {plug.name} on."
        return Step(
            "power", Status.FAILED, f"{plug.name}, which feeds it, is switched off.", told, advice=advice, at=plug.id
        )
    if seen.facts.is_away(plug.id):
        text = f"{plug.name}, which feeds it, is away itself: both may be without power."
        return Step("power", Status.WARNING, text, told, advice=f"Look at {plug.name} and its fuse.", at=plug.id)
    if drawn == 0 and seen.is_unreached:
        text = f"{plug.name} is on, and it draws nothing: it is switched off itself, unplugged or broken."
        return Step("power", Status.FAILED, text, told, advice="Look at its own switch and its cable.")
    return Step("power", Status.OK, f"{plug.name} feeds it and is on.", told)


def _battery(seen: Subject) -> Step:
    level, is_low = _battery_level(seen)
    told: JsonObject = {"battery_level": level}
    if level is None and not is_low:
        return Step("power", Status.UNKNOWN, "It runs on a battery and does not say how full it is.", told)
    words = "Its battery is low" if level is None else f"Its battery is at {level} %"
    is_empty = level is not None and level <= BATTERY_EMPTY
    code = next((each for each in seen.issues if each.startswith("battery_")), None)
    if is_empty and seen.is_unreached:
        text = f"{words}, and it is not heard: it is empty."
        return Step("power", Status.FAILED, text, told, advice="Replace its battery.", code=code)
    if is_low or (level is not None and level <= BATTERY_LOW):
        return Step("power", Status.WARNING, f"{words}.", told, advice="Replace its battery soon.", code=code)
    return Step("power", Status.OK, f"{words}.", told)


def _battery_level(seen: Subject) -> tuple[int | None, bool]:
    level = seen.facts.presence(seen.device.id).battery_level
    is_low = False
    for entity in seen.device.entities:
        state = seen.facts.state(entity.id) if entity.device_class == "battery" else None
        if state is None:
            continue
        if entity.domain == "binary_sensor":
            is_low = is_low or state.state == "on"
        elif level is None and (number := number_in(state.state)) is not None:
            level = round(number)
    return level, is_low


def look_at_link(seen: Subject) -> Step:
    if seen.is_own:
        return Step("link", Status.SKIPPED, "It is part of the hub.")
    presence, heard = seen.facts.presence(seen.device.id), seen.facts.heard(seen.device, seen.now)
    told: dict[str, JsonValue] = {
        "is_available": presence.is_available,
        "signal_strength": presence.signal_strength,
        "last_heard_at": heard.last_at.isoformat() if heard and heard.last_at else None,
        "has_answered": seen.has_answered,
    }
    if (issue := seen.issues.get("devices_failing_together")) is not None:
        advice = _advice(seen)
        return Step("link", Status.FAILED, issue.text, told, advice=advice, code=issue.code, severity="error")
    if seen.has_answered:
        return _how_good(seen, told, "It answered when it was asked.")
    peer = seen.facts.peer(seen.device)
    if peer is not None and peer.status not in {"up", "asleep"}:
        told |= {"link": peer.status, "address": peer.address}
        reason = f": {peer.reason}" if peer.reason else ""
        advice = "Give what it needs: nexa-hub discovered" if peer.status == "needs" else _advice(seen)
        return _unreached(seen, f"The connection to it is not up{reason.rstrip('.')}.", told, advice)
    if seen.is_available is False:
        return _unreached(
            seen, f"It is unavailable: its dialect says so.{_since(heard, seen.now)}", told, _advice(seen)
        )
    if "device_silent" in seen.issues:
        return _unreached(seen, seen.issues["device_silent"].text, told, _advice(seen))
    if heard is None or heard.last_at is None:
        return Step("link", Status.UNKNOWN, "It has not been heard since the hub began.", told)
    if heard.limit is not None and seen.now - heard.last_at > heard.limit:
        usual = f" Usually it is every {in_words(heard.usual)}." if heard.usual else ""
        text = f"It was last heard {in_words(seen.now - heard.last_at)} ago.{usual}"
        return Step("link", Status.WARNING, text, told, advice=_advice(seen))
    return _how_good(seen, told, f"It was heard {in_words(seen.now - heard.last_at)} ago.")


def _unreached(seen: Subject, text: str, told: JsonObject, advice: str) -> Step:
    code = next((each for each in _UNREACHED if each in seen.issues), None)
    return Step("link", Status.FAILED, text, told, advice=advice, code=code)


def _since(heard: Heard | None, now: datetime) -> str:
    return "" if heard is None or heard.last_at is None else f" It was last heard {in_words(now - heard.last_at)} ago."


def _how_good(seen: Subject, told: JsonObject, words: str) -> Step:
    strength = seen.facts.presence(seen.device.id).signal_strength
    code = next((each for each in seen.issues if "link" in each or "flapping" in each), None)
    if code is not None:
        return Step("link", Status.WARNING, seen.issues[code].text, told, advice=_nearer(seen), code=code)
    if strength is not None and (strength < WEAK_DBM if strength < 0 else strength < WEAK_PERCENT):
        unit = "dBm" if strength < 0 else "%"
        text = f"{words} Its signal is weak: {strength} {unit}."
        return Step("link", Status.WARNING, text, told, advice=_nearer(seen))
    return Step("link", Status.OK, words, told)


def _nearer(seen: Subject) -> str:
    if seen.device.protocol in _RADIO:
        return "Move it, or put a device that runs on mains of the same radio half-way to it."
    return "Move it nearer to the access point, or put one nearer to it."


def _advice(seen: Subject) -> str:
    if seen.facts.is_battery(seen.device):
        return "Press a button on it to wake it. If it stays silent, replace its battery."
    if seen.device.device_type is DeviceType.BRIDGE:
        return "Look at its power and its network cable, then take its power away for ten seconds."
    return "Look whether it has power (plug, wall switch, fuse) and is within reach; then take its power away for ten seconds."


def look_at_protocol(seen: Subject) -> Step:
    """Whether it does as it is told, and whether what it says is understood."""
    if seen.is_own:
        return Step("protocol", Status.SKIPPED, "It is part of the hub.")
    if (issue := seen.issues.get("command_unconfirmed")) is not None:
        advice = (
            "Try it again; if it did what it was told, its reports do not come: set it up afresh through its bridge."
        )
        return Step("protocol", Status.FAILED, issue.text, advice=advice, code=issue.code)
    if (issue := next((seen.issues[each] for each in _UNWELL if each in seen.issues), None)) is not None:
        return Step(
            "protocol", Status.WARNING, issue.text, code=issue.code, advice="Look at its own log or application."
        )
    rejected = seen.facts.rejected(seen.device)
    if rejected is not None:
        count, reason = rejected
        text = f"{count} of its messages were not understood: {reason}"
        advice = "See them with: nexa-hub status. Its firmware may be newer than the hub knows."
        return Step("protocol", Status.WARNING, text, {"rejected": count}, advice=advice)
    return Step("protocol", Status.OK, "What it said was understood, and it did as it was told.")
