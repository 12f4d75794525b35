"""The part of the fake door that tells of the home's health."""

from collections.abc import Sequence
from typing import Any

from hub_agent.errors import NotFound, NotPossible

AT = "2026-06-01T12:00:00+00:00"
UNTIL = "2026-06-02T12:00:00+00:00"
QUESTION = "30000000-0000-4000-8000-0000000000f1"
LAMP, PLUG, HEATING, BLIND = (f"00000000-0000-4000-8000-{n:012d}" for n in (1, 5, 4, 2))


def _issue(code: str, text: str, title: str = "A device has gone silent") -> dict[str, Any]:
    return {"code": code, "severity": "warning", "title": title, "text": text, "since": AT}


def _device(device_id: str, name: str, score: int, state: str = "well", **more: Any) -> dict[str, Any]:
    known = {"room": "Living Room", "device_type": "light", "why": [], "battery_level": None, "issues": []}
    return {"id": device_id, "name": name, "score": score, "state": state, **known, "trouble": None, **more}


def _remedy(name: str, words: str, verdict: str, *reasons: str, **more: Any) -> dict[str, Any]:
    fixed = {"risk": "low", "interrupts": False, "chance": 0.5, "at": None, "is_next": False, "touches": []}
    return {"remedy": name, "words": words, "verdict": verdict, "reasons": list(reasons), **fixed, **more}


def _all() -> list[dict[str, Any]]:
    silent = _issue("device_silent", "Living Room Lamp has not been heard for 2 hours; it usually reports hourly.")
    power = {"remedy": "power_cycle_via_plug", "words": "taking its power away for a moment", "risk": "medium"}
    asked = {**power, "id": QUESTION, "is_question": True, "since": AT, "until": UNTIL}
    trouble = {
        "device_id": LAMP,
        "name": "Living Room Lamp",
        "since": AT,
        "since_words": "since 07:30",
        "issues": [silent],
        "cause": None,
        "tried": [{"remedy": "ask_state", "words": "asking for its state", "count": 2, "at": AT}],
        "attempt": asked,
        "is_told": False,
        "next": {
            "text": "You were asked at 14:00: may taking its power away for a moment be tried? It waits for another 24 hours for your answer.",
            "at": UNTIL,
        },
    }
    held = {**trouble, "attempt": None, "tried": [], "cause": {"id": "b", "name": "Zigbee bridge"}}
    held["issues"] = [_issue("device_unavailable", "Thermostat is unavailable: its bridge says so.")]
    held["next"] = {
        "text": "Held: Zigbee bridge is away or in trouble itself. It is looked at again when that is well.",
        "at": None,
    }
    return [
        _device(LAMP, "Living Room Lamp", 67, "asks", why=["It cannot be reached.", "It was away 4 times within a week."], issues=[silent], trouble=trouble),
        _device(HEATING, "Thermostat", 75, "held", why=["It cannot be reached."], trouble=held, battery_level=18),
        _device(BLIND, "Blind", 95, why=["Newer firmware waits for it (1.2)."], battery_level=64),
        _device(PLUG, "Fridge Plug", 100, room="Kitchen", device_type="plug"),
    ]  # fmt: skip


class FakeTending:
    """Fills ports.Tending. `asked` is the door's."""

    def __init__(self, asked: list[tuple[str, Any, str]]) -> None:
        self.asked = asked
        self.devices_now = _all()
        self.home_wishes: dict[str, Any] = {"risk": None, "quiet_hours": {"from": "22:00", "to": "07:00"}, "devices_per_hour": 10}  # fmt: skip
        self.wishes_by_id: dict[str, dict[str, Any]] = {}
        self.failing: Exception | None = None

    def all(self) -> Any:
        if self.failing is not None:
            raise self.failing
        broker = _issue("broker_unreachable", "The MQTT broker cannot be used.", "No MQTT broker")
        home = {"score": 84, "causes": ["Living Room Lamp: It cannot be reached."], "issues": [broker]}
        return {"home": home, "devices": self.devices_now}

    def of(self, name: str) -> Any:
        found = self._named(name)
        factors = [
            {"factor": "connectivity", "part": "connectivity", "points": 25 - 5 * number, "text": text}
            for number, text in enumerate(found["why"])
        ]
        parts = {"connectivity": 29, "performance": 100, "reliability": 85, "security": 100, "energy_efficiency": None}
        plan = self.plan(name, None)["remedies"] if found["trouble"] else []
        wishes = self.wishes(name)["wishes"]
        advice = ["check_connection"] if factors else []
        return {**found, "parts": parts, "factors": factors, "recommendations": advice, "plan": plan, "wishes": wishes}

    def plan(self, name: str, symptom: str | None) -> Any:
        found = self._named(name)
        if symptom is None and found["trouble"] is None:
            raise NotPossible(f"Nothing is known to be wrong with {found['name']}.", "symptom")
        power = _remedy("power_cycle_via_plug", "taking its power away for a moment", "asks", "you are asked first")
        remedies = [
            {**power, "is_next": True, "risk": "medium", "interrupts": True, "touches": ["Radio"]},
            _remedy("ask_state", "asking for its state", "waits", "its cooldown lasts until 14:05", at=UNTIL),
            _remedy("reboot_device", "restarting it", "unfit", "it cannot be done with Living Room Lamp now"),
        ]
        return {"device_id": found["id"], "name": found["name"], "symptom": symptom, "remedies": remedies}

    def rates(self) -> Sequence[Any]:
        words = {"remedy": "ask_state", "words": "asking for its state", "tried": 8, "helped": 6}
        own = {**words, "of": "device", "name": "Living Room Lamp", "tried": 2, "helped": 0}
        return [{**words, "of": "all", "name": None}, {**words, "of": "model", "name": "Acme One"}, own]

    async def history(self, name: str | None, limit: int) -> Sequence[Any]:
        found = self._named(name) if name else self.devices_now[0]
        row = {"id": "h1", "at": AT, "device_id": found["id"], "name": found["name"], "issue": "It was silent."}
        done = {"remedy": "ask_state", "words": "asking for its state", "status": "completed", "outcome": "it helped"}
        return [{**row, **done, "is_resolved": True, "ended_at": AT, "error": None}][:limit]

    def wishes(self, name: str | None) -> Any:
        if name is None:
            return {"id": "home", "name": "Test Home", "wishes": self.home_wishes, "risks": ["low", "medium", "high"]}
        found = self._named(name)
        return {"id": found["id"], "name": found["name"], "wishes": self.wishes_by_id.get(found["id"], {}), "names": {PLUG: "Fridge Plug"}}  # fmt: skip

    async def wish(self, name: str | None, changes: Any, back: Sequence[str], by: str) -> Any:
        self.asked.append(("wish", {"name": name, **changes, "back": list(back)}, by))
        if name is None:
            self.home_wishes |= changes
            return self.wishes(None)
        found = self._named(name)
        if changes.get("powered_by") in {found["id"], found["name"]}:
            raise NotPossible(f"{found['name']} cannot feed itself.", "powered_by")
        held = {**self.wishes_by_id.get(found["id"], {}), **changes}
        self.wishes_by_id[found["id"]] = {key: value for key, value in held.items() if value}
        return self.wishes(name)

    async def answer(self, execution_id: str, *, is_approved: bool, by: str) -> Any:
        self.asked.append(("answer", {"id": execution_id, "is_approved": is_approved}, by))
        lamp = self.devices_now[0]
        trouble = lamp["trouble"]
        if trouble is None or trouble["attempt"] is None or not trouble["attempt"]["id"].startswith(execution_id):
            raise NotFound(f"No question waits for an answer that begins with '{execution_id}'.")
        said = "It is tried now: taking its power away for a moment." if is_approved else "Nothing more can be tried."
        attempt = {**trouble["attempt"], "is_question": False} if is_approved else None
        told = {**trouble, "attempt": attempt, "next": {"text": said, "at": None}}
        self.devices_now[0] = {**lamp, "state": "treated" if is_approved else "troubled", "trouble": told}
        return {"id": QUESTION, "is_approved": is_approved}

    async def attempt(self, name: str, remedy: str, *, is_forced: bool, by: str) -> Any:
        self.asked.append(("try", {"name": name, "remedy": remedy, "is_forced": is_forced}, by))
        found = self._named(name)
        if remedy != "ask_state" and not is_forced:
            raise NotPossible("Restarting it is not tried: these are quiet hours, until 07:00. It can be forced.")
        return {"device_id": found["id"], "remedy": remedy, "words": "asking for its state"}

    def _named(self, name: str) -> Any:
        wanted = name.casefold()
        found = [each for each in self.devices_now if wanted in {each["id"], each["name"].casefold()}]
        if not found:
            raise NotFound(f"There is no device '{name}'. List them with: nexa-hub devices")
        return found[0]
