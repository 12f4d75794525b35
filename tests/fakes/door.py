"""A little home behind ports.Door, in memory: it does what it is told, remembers who asked, and can misbehave."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from hub_agent.errors import HubAgentError, NotFound, NotPossible, PersonNeeded
from hub_agent.model.inputs import WebhookCalled
from hub_agent.ports import Change, Told
from hub_agent.runtime.changes import Changes
from tests.fakes.alerts import FakeAlerts
from tests.fakes.automating import FakeAutomating
from tests.fakes.definitions import FakeDefinitions
from tests.fakes.diagnosing import FakeDiagnosing
from tests.fakes.editing import AT, FakeEditing
from tests.fakes.energy import FakeEnergy
from tests.fakes.forecasts import FakeForecasts
from tests.fakes.guarding import FakeGuarding
from tests.fakes.own import FakeActivity, FakeHousehold, FakeKeeping
from tests.fakes.tending import FakeTending

LIVING_ROOM, KITCHEN = "00000000-0000-4000-8000-0000000000b1", "00000000-0000-4000-8000-0000000000b2"
LAMP, BLIND, LOCK, HEATING, PLUG, BUTTON, CLIMATE, GROUP, BROKER = (
    f"00000000-0000-4000-8000-{n:012d}" for n in range(1, 10)
)
MOVIE, DARK = "00000000-0000-4000-8000-0000000000c1", "00000000-0000-4000-8000-0000000000c2"
MOVIE_STATES = [
    {"device_id": LAMP, "desired_state": {"light.living_room_lamp": {"state": "on", "attributes": {"brightness": 51}}}},
    {"device_id": BLIND, "desired_state": {"cover.blind": "closed"}},
]
RULE, BROKEN_RULE = "00000000-0000-4000-8000-0000000000a1", "00000000-0000-4000-8000-0000000000a2"
RUN, NO_RUN, BAD_RUN = (f"{n}0000000-0000-4000-8000-0000000000d{n}" for n in (1, 2, 3))

NOT_PAUSED = {"is_paused": False, "paused_until": None, "kind": "automation", "next_at": None, "rooms": [LIVING_ROOM], "status": "synced"}  # fmt: skip

BOOL, PERCENT = {"type": "bool", "access": "rw"}, {"type": "int", "access": "rw", "unit": "%", "min": 0, "max": 100}


def entity(entity_id: str, state: str, name: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": entity_id,
        "name": name,
        "domain": entity_id.partition(".")[0],
        "device_class": None,
        "unit": None,
        "category": None,
        "capabilities": {},
        "state": state,
        "attributes": {},
        "changed_at": AT,
        **more,
    }


def measure(entity_id: str, state: str, name: str, device_class: str, unit: str, **more: Any) -> dict[str, Any]:
    can = {device_class: {"type": "float", "access": "r", "unit": unit}}
    return entity(entity_id, state, name, device_class=device_class, unit=unit, capabilities=can, **more)


def device(device_id: str, name: str, kind: str, room_id: str | None, *entities: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": device_id,
        "name": name,
        "room": {LIVING_ROOM: "Living Room", KITCHEN: "Kitchen"}.get(room_id or ""),
        "room_id": room_id,
        "brand": "Acme",
        "model": "One",
        "device_type": kind,
        "protocol": "zigbee",
        "dialect": "zigbee2mqtt",
        "availability": "available",
        "last_seen_at": AT,
        "battery_level": None,
        "signal_strength": 80,
        "entities": list(entities),
    }


def _discovered() -> list[dict[str, Any]]:
    known = {
        "brand": None,
        "model": None,
        "device_type": "other",
        "ecosystem": None,
        "dialect": None,
        "address": "192.168.1.40:80",
        "reason": None,
        "needs": None,
        "suggested_room": None,
        "devices": [],
        "services": [],
    }
    text = "Enter the code that is printed on it."
    need = {"kind": "code", "text": text, "fields": ["code"]}
    button = {"kind": "button", "text": "Press the button on the bridge.", "fields": []}
    return [
        {
            **known,
            "id": "homekit/aa",
            "name": "Hallway Thermostat",
            "brand": "ecobee",
            "model": "ecobee3",
            "device_type": "thermostat",
            "dialect": "homekit",
            "status": "needs",
            "reason": text,
            "needs": need,
            "suggested_room": "Hallway",
        },
        {**known, "id": "hue/bb", "name": "Hue Bridge", "dialect": "hue", "status": "needs", "needs": button},
        {**known, "id": "wled/cc", "name": "Desk strip", "dialect": "wled", "status": "connected", "devices": [LAMP]},
        {**known, "id": "mdns:printer", "name": "Office Printer", "model": "LaserJet", "status": "unsupported"},
    ]


def _devices() -> list[dict[str, Any]]:
    light = {
        "on": BOOL,
        "brightness": PERCENT,
        "color_temp": {"type": "int", "access": "rw", "unit": "K", "min": 2200, "max": 6500},
    }
    heat = {
        "temperature": {"type": "float", "access": "r", "unit": "°C"},
        "target_temperature": {"type": "float", "access": "rw", "unit": "°C", "min": 5, "max": 30, "step": 0.5},
        "mode": {"type": "enum", "access": "rw", "options": ["off", "heat", "auto"]},
    }
    warm = {"current_temperature": 20.5, "temperature": 21, "hvac_action": "heating"}
    lit = {"brightness": 128, "color_temp_kelvin": 2700, "color_mode": "color_temp"}
    lamp = entity("light.living_room_lamp", "off", capabilities=light)
    effect = {"power_on_behavior": {"type": "enum", "access": "rw", "options": ["off", "on", "previous"]}}
    after = entity(
        "select.living_room_lamp_power_on", "previous", "Power-on behavior", category="config", capabilities=effect
    )
    return [
        device(LAMP, "Living Room Lamp", "light", LIVING_ROOM, lamp, after),
        device(
            BLIND,
            "Blind",
            "blind",
            LIVING_ROOM,
            entity(
                "cover.blind",
                "open",
                capabilities={"open": BOOL, "position": PERCENT},
                attributes={"current_position": 70},
            ),
            entity(
                "sensor.blind_moving",
                "STOP",
                "Moving",
                device_class="enum",
                capabilities={"moving": {"type": "enum", "access": "r", "options": ["UP", "STOP", "DOWN"]}},
            ),
        ),
        device(
            LOCK, "Front Door Lock", "lock", None, entity("lock.front_door", "locked", capabilities={"locked": BOOL})
        ),
        device(
            HEATING,
            "Thermostat",
            "thermostat",
            LIVING_ROOM,
            entity("climate.thermostat", "heat", capabilities=heat, attributes=warm),
        ),
        device(
            PLUG,
            "Fridge Plug",
            "plug",
            KITCHEN,
            entity("switch.fridge_plug", "on", capabilities={"on": BOOL}),
            measure("sensor.fridge_power", "93.36", "Power", "power", "W"),
            measure("sensor.fridge_energy", "84231.061", "Energy", "energy", "Wh"),
            measure("sensor.fridge_voltage", "232.713", "Voltage", "voltage", "V"),
            measure("sensor.fridge_current", "0.401", "Current", "current", "A"),
        ),
        device(
            BUTTON,
            "Bedside Button",
            "other",
            None,
            entity(
                "event.bedside_button",
                "unknown",
                "Action",
                device_class="button",
                capabilities={"action": {"type": "enum", "access": "r", "options": ["single", "double"]}},
            ),
            measure("sensor.bedside_battery", "77", "Battery", "battery", "%", category="diagnostic"),
        ),
        device(
            CLIMATE,
            "Kitchen Climate",
            "sensor_temperature",
            KITCHEN,
            measure("sensor.kitchen_temperature", "21.456", "Temperature", "temperature", "°C"),
            measure("sensor.kitchen_humidity", "48.2", "Humidity", "humidity", "%"),
        ),
        device(
            GROUP,
            "Downstairs Lights",
            "light",
            None,
            entity("light.downstairs", "on", capabilities=light, attributes=lit),
        ),
        device(BROKER, "MQTT broker", "other", None),
    ]


def _trace(run_id: str, status: str, trigger: dict[str, Any], *steps: dict[str, Any]) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "automation_id": RULE,
        "automation": "Hall light with motion",
        "status": status,
        "triggered_by": "device_event",
        "trigger": trigger,
        "started_at": AT,
        "completed_at": AT,
        "duration_ms": 20002,
        "steps": list(steps),
    }


def _traces() -> list[dict[str, Any]]:
    moved = {
        "platform": "state",
        "entity_id": "binary_sensor.hall_motion",
        "from_state": "off",
        "to_state": "on",
        "id": "0",
        "idx": "0",
    }
    cold = {
        "platform": "numeric_state",
        "entity_id": "sensor.kitchen_temperature",
        "from_state": "17",
        "to_state": "16",
        "below": 17,
    }
    dark = {
        "path": "conditions/0",
        "kind": "condition",
        "at": AT,
        "result": "false",
        "values": {"light.living_room_lamp": "off"},
    }
    lit = {
        "path": "actions/0",
        "kind": "action",
        "action": "light.turn_on",
        "target": ["light.living_room_lamp"],
        "at": AT,
        "result": "ok",
        "duration_ms": 80,
    }
    waited = {"path": "actions/1", "kind": "delay", "at": AT, "result": "20 s"}
    failed = {
        "path": "actions/2",
        "kind": "action",
        "action": "light.turn_off",
        "target": ["light.living_room_lamp"],
        "at": AT,
        "result": "unconfirmed",
        "error": "the device did not report it",
    }
    return [
        _trace(RUN, "success", moved, lit, waited),
        _trace(NO_RUN, "conditions_not_met", moved, dark),
        _trace(BAD_RUN, "partial", cold, lit, failed),
    ]


def _health(found: dict[str, Any]) -> dict[str, Any]:
    text = "It names light.gone, which this home does not have."
    place = {"code": "entity_missing", "path": "actions/0/target/entity_id"}
    issue = {**place, "severity": "warning", "text": text, "aspect": "actions", "entity_id": "light.gone"}
    fix = {**place, "text": "Replace light.gone by light.back.", "is_automatic": True}
    is_broken = bool(found["problem"])
    return {
        "automation_id": found["id"],
        "entity_id": found["entity_id"],
        "name": found["name"],
        "checked_at": AT,
        "health_status": "degraded" if is_broken else "healthy",
        "health_score": 85 if is_broken else 100,
        "issues": [issue, {**issue, "path": "actions/1/target/entity_id"}] if is_broken else [],
        "warnings": [],
        "recommended_fixes": [{**fix, "replace": "light.gone", "by": "light.back"}] if is_broken else [],
        "can_auto_repair": is_broken,
        "has_old_spelling": False,
    }


def _explanation(found: dict[str, Any], *, is_past: bool) -> dict[str, Any]:
    lamp = "light.living_room_lamp"
    quiet = "Trigger 1 (state) waits until binary_sensor.hall_motion changes to 'on': it is 'off' since 11:00:00."
    dark = {"path": "conditions/0", "kind": "state", "at": AT, "result": "false", "values": {lamp: "off"}}
    refused = {"run_id": NO_RUN, "status": "conditions_not_met", "started_at": AT, "trigger": {}, "conditions": [dark]}
    return {
        "automation_id": found["id"],
        "entity_id": found["entity_id"],
        "name": found["name"],
        "at": AT,
        "is_past": is_past,
        "summary": quiet,
        "reasons": [
            {"code": "state_differs", "text": quiet, "path": "triggers/0"},
            {"code": "condition_false", "text": "Condition 1 (state) does not hold now.", "path": "conditions/0"},
        ],
        "is_enabled": True,
        "paused_until": None,
        "mode": found["mode"],
        "running": 0,
        "queued": 0,
        "triggers": [
            {
                "path": "triggers/0",
                "id": "0",
                "alias": None,
                "platform": "state",
                "is_enabled": True,
                "waits_for": "binary_sensor.hall_motion changes to 'on'",
                "findings": [
                    {"code": "state_differs", "text": quiet, "entity_id": lamp, "state": "off", "changed_at": AT}
                ],
            }
        ],
        "conditions": [
            {
                "path": "conditions/0",
                "kind": "state",
                "wants": f"{lamp} to be 'on'",
                "result": "false",
                "text": f"wants {lamp} to be 'on'; it sees {lamp} = off",
                "values": {lamp: "off"},
            }
        ],
        "last_run": None,
        "last_refusal": refused,
        "around": [refused] if is_past else [],
        "not_known": ["Whether the rule was on then."] if is_past else [],
    }


def _replay(automation_id: str | None, name: str) -> dict[str, Any]:
    """It would have run at noon, and was refused an hour later; really it ran at noon, and once by hand."""
    lamp = "light.living_room_lamp"
    moved = {"platform": "state", "entity_id": "binary_sensor.hall_motion", "from_state": "off", "to_state": "on"}
    call = {"at": AT, "action": "light.turn_on", "target": [lamp], "data": {}}
    bright = {"path": "conditions/0", "kind": "state", "at": AT, "result": "false", "values": {lamp: "on"}}
    ran = {"status": "success", "trigger": moved, "ended_at": AT, "calls": [call], "conditions": []}
    refused = {**ran, "status": "conditions_not_met", "calls": [], "conditions": [bright]}
    really = {"run_id": RUN, "at": AT, "status": "success", "triggered_by": "device_event", "trigger": moved,
              "ended_at": AT, "calls": [{"action": "light.turn_on", "target": [lamp], "result": "ok"}], "error": None}  # fmt: skip
    did = None if automation_id is None else really
    by_hand = {**really, "run_id": NO_RUN, "triggered_by": "manual"}
    return {
        "automation_id": automation_id,
        "name": name,
        "since": AT,
        "until": AT,
        "asked_since": AT,
        "history_begins_at": AT,
        "time_zone": "Europe/Berlin",
        "changes": 7,
        "counts": {
            "would_run": 1,
            "would_be_refused": 1,
            "did_run": 2 if did else 0,
            "were_refused": 0,
            "both_ran": 1 if did else 0,
        },
        "lines": [
            {"at": AT, "would": ran, "did": did},
            {"at": "2026-06-01T13:00:00+00:00", "would": refused, "did": None},
            *([{"at": "2026-06-01T14:00:00+00:00", "would": None, "did": by_hand}] if did else []),
        ],
        "lines_left_out": 0,
        "not_replayed": [{"path": "triggers/1", "platform": "webhook", "text": "calls of webhooks are not recorded"}],
        "notes": ["History begins at 2026-06-01 14:00:00: what was before that is no longer kept."],
    }


VERIFIED: dict[str, Any] = {
    "since": "2026-02-22",
    "until": "2026-03-01",
    "finished_at": "2026-03-01T12:00:00+00:00",
    "is_agreed": False,
    "streams": [
        {
            "stream": "device_states",
            "days": 0,
            "records": 0,
            "differing_days": 0,
            "missing": 0,
            "repaired": 0,
            "refused": 0,
            "still": 0,
            "by": "hash",
            "reasons": {},
        },
        {
            "stream": "device_telemetry",
            "days": 8,
            "records": 5000,
            "differing_days": 1,
            "missing": 12,
            "repaired": 9,
            "refused": 2,
            "still": 1,
            "by": "hash",
            "reasons": {"value out of range": 2},
        },
    ],
    "definitions": 4,
    "definitions_newer_there": 0,
    "definitions_forgotten_there": 0,
    "text": "5,000 records of this hub were compared. 12 were missing or changed in the cloud: 9 were sent again and are there now, 2 were refused there, 1 still differ.",
}


class FakeDoor(FakeDefinitions, FakeEditing, FakeForecasts, FakeDiagnosing):
    """Fills ports.Door. `asked` tells what was done and by whom; `failing` is raised by whatever is called next, until it is taken away."""

    def __init__(self) -> None:
        self.home_name = "Test Home"
        self.safe_mode_now: Any = None
        self.is_claimed = True
        self.discovered_now = _discovered()
        self.devices_now = _devices()
        super().__init__()
        self.scenes_now: list[dict[str, Any]] = [
            {"id": MOVIE, "entity_id": "scene.movie_night", "name": "Movie night", "description": "For the big screen", "room_id": LIVING_ROOM, "status": "synced", "device_states": MOVIE_STATES, "icon": "movie", "color": "#7e57c2", "devices": 2, "last_activated_at": None, "last_status": None, "activation_count": 0, "copies": [{"dialect": "zigbee2mqtt", "bridge": "b", "status": "synced", "external_id": "7", "error": None}, {"dialect": "hue", "bridge": "c", "status": "failed", "external_id": None, "error": "the bridge is full"}]},
            {"id": DARK, "entity_id": "scene.all_off", "name": "All off", "room_id": None, "status": "synced", "icon": None, "color": None, "devices": 3, "last_activated_at": AT, "last_status": "success", "activation_count": 4, "copies": []},
        ]  # fmt: skip
        self.scene_history: dict[str, list[dict[str, Any]]] = {}
        self.automations_now: list[dict[str, Any]] = [
            {"id": RULE, "entity_id": "automation.hall_light", "name": "Hall light with motion", "description": "Lights the hall", "is_enabled": True, "mode": "restart", "last_triggered_at": AT, "last_status": "success", "running": 0, "problem": None, **NOT_PAUSED},
            {"id": BROKEN_RULE, "entity_id": "automation.broken", "name": "Broken", "description": None, "is_enabled": True, "mode": "single", "last_triggered_at": None, "last_status": None, "running": 0, "problem": "actions/0: there is no light.gone", **NOT_PAUSED},
        ]  # fmt: skip
        self.issues_now: list[dict[str, Any]] = []
        self.notices_now: list[dict[str, Any]] = []
        self.rejected_now: list[dict[str, Any]] = []
        self.traces = _traces()
        self.asked: list[tuple[str, Any, str]] = []
        self.tending = FakeTending(self.asked)
        self.alerts = FakeAlerts(self.asked)
        self.guarding = FakeGuarding(self.asked)
        self.energy = FakeEnergy(self.asked)
        self.activity = FakeActivity()
        self.household = FakeHousehold(self.asked)
        self.keeping = FakeKeeping(self.asked)
        self.called: list[WebhookCalled] = []
        self.unreachable: set[str] = set()
        self.failing: HubAgentError | Exception | None = None
        self.is_slow = False
        self.is_online = True
        self.sync_lines = ["Online since 20 November 08:00."]
        self.is_broker_connected = True
        self.told = Changes()
        self.automating = FakeAutomating(self.asked, self.automations_now, self.told)

    # Seeing.

    def status(self) -> dict[str, Any]:
        self._fail()
        return {
            "agent": {
                "version": "0.1.0",
                "pid": 42,
                "started_at": AT,
                "uptime_s": 3661.5,
                "memory_bytes": 60 * 1024 * 1024,
            },
            "home": {
                "id": "00000000-0000-4000-8000-00000000000a",
                "name": self.home_name,
                "timezone": "Europe/Stockholm",
            },
            "broker": {"address": "127.0.0.1:1883", "is_connected": self.is_broker_connected, "since": AT},
            "cloud": self.sync_status(),
            "counts": {
                "devices": len(self.devices_now),
                "entities": sum(len(each["entities"]) for each in self.devices_now),
                "automations": len(self.automations_now),
                "scenes": len(self.scenes_now),
                "issues": len(self.issues_now),
            },
            "clock": {"now": AT, "is_trusted": True},
            "inbox": {"waiting": 0, "handled": 1234, "rejected": sum(each["count"] for each in self.rejected_now)},
            "safe_mode": self.safe_mode_now,
            "vitals": {
                "measured_at": AT,
                "figures": [{"name": "cpu_temperature", "value": 52.3, "unit": "celsius"}],
                "troubles": [],
                "starts": {"hour": 0, "day": 1},
            },
            "ways": {
                "measured_at": AT,
                "broken": None,
                "ways": {
                    "router": {
                        "address": "192.168.1.1",
                        "is_open": True,
                        "latency_ms": 0.8,
                        "loss_percent": 0.0,
                        "reason": "",
                    }
                },
            },
        }

    def devices(self) -> Sequence[Any]:
        self._fail()
        return self.devices_now

    def rooms(self) -> Sequence[Any]:
        self._fail()
        return [
            {"id": LIVING_ROOM, "name": "Living Room", "sort_order": 0},
            {"id": KITCHEN, "name": "Kitchen", "sort_order": 1},
        ]

    def scenes(self) -> Sequence[Any]:
        self._fail()
        return self.scenes_now

    def automations(self) -> Sequence[Any]:
        self._fail()
        return self.automations_now

    def issues(self) -> Sequence[Any]:
        self._fail()
        return self.issues_now

    def notices(self) -> Sequence[Any]:
        self._fail()
        return self.notices_now

    def sync_status(self) -> dict[str, Any]:
        self._fail()
        waiting = 0 if self.is_online else 7
        return {
            "is_claimed": self.is_claimed,
            "is_online": self.is_online,
            "since": AT,
            "address": "https://cloud.example",
            "last_contact_at": AT,
            "last_error": None,
            "hub_id": "00000000-0000-4000-8000-00000000000b",
            "home_id": "00000000-0000-4000-8000-00000000000a",
            "streams": [
                {
                    "stream": "device_states",
                    "last": 134,
                    "acknowledged": 134 - waiting,
                    "waiting": waiting,
                    "acknowledged_at": AT,
                }
            ],
            "waiting": waiting,
            "definitions_owed": 0,
            "last_acknowledged_at": AT,
            "lines": self.sync_lines,
            "text": "Online: the cloud has everything." if self.is_online else "Offline: 7 records wait.",
        }

    def figures(self) -> dict[str, Any]:
        self._fail()
        return {
            "messages": {"zigbee2mqtt": 1200, "homeassistant": 34},
            "commands": {"confirmed": 7, "expired": 1},
            "runs": {"success": 5},
            "activations": {"success": 2, "partial": 1},
            "records": {"device_states": 134},
            "availability": {"available": 6, "unavailable": 1, "unknown": 1},
            "mirror_bytes": 4096,
            "written_bytes": 8192,
            "cpu_s": 1.25,
        }

    def rejected(self) -> Sequence[Any]:
        self._fail()
        return self.rejected_now

    async def runs(self, automation_id: str | None, limit: int) -> Sequence[Any]:
        self._fail()
        found = [each for each in self.traces if automation_id in {None, each["automation_id"]}]
        return [
            {"id": each["run_id"], **{key: value for key, value in each.items() if key not in {"run_id", "steps"}}}
            for each in found[:limit]
        ]

    async def trace(self, run_id: str) -> Any:
        self._fail()
        found = [each for each in self.traces if each["run_id"].startswith(run_id)]
        if len(found) != 1:
            raise NotFound(f"There is no run '{run_id}'.")
        return found[0]

    def health(self, name: str) -> Any:
        self._fail()
        return _health(self._automation_named(name))

    def health_of_all(self) -> Any:
        self._fail()
        return [_health(each) for each in self.automations_now if each["problem"]]

    async def repair(self, name: str, by: str) -> Any:
        self._fail()
        found = self._automation_named(name)
        self.asked.append(("repair", found["id"], by))
        repaired = [{"replaced": "light.gone", "by": "light.back"}] if found["problem"] else []
        return {"automation_id": found["id"], "repaired": repaired}

    def _automation_named(self, name: str) -> dict[str, Any]:
        plain = name.casefold()
        for each in self.automations_now:
            if plain in {each["id"], each["entity_id"], each["name"].casefold()}:
                return each
        raise NotFound(f"There is no automation '{name}'. Did you mean 'Broken'?")

    async def explain(self, name: str, at: str | None) -> Any:
        self._fail()
        found = self._automation_named(name)
        if at == "never":
            raise NotPossible(f"'{at}' is not a time such as 07:30 or '2026-01-14 07:30'.")
        return _explanation(found, is_past=at is not None)

    def leave_safe_mode(self, by: str) -> None:
        self._fail()
        self.asked.append(("leave_safe_mode", None, by))
        self.safe_mode_now = None

    async def webhook(self, called: WebhookCalled) -> bool:
        self._fail()
        self.called.append(called)
        return not called.webhook_id.startswith("unknown")

    async def replay(self, rule: Any, since: str, until: str | None) -> AsyncGenerator[Any, None]:
        self._fail()
        if since == "never":
            raise NotPossible(f"'{since}' is not a time such as 7d, 36h, 07:30 or '2026-01-14 07:30'.")
        if isinstance(rule, str):
            found = (await self.explain(rule, None))["automation_id"]
        else:
            found = None
            self.asked.append(("replay", rule, f"{since} {until}"))
        yield {"progress": 0.5}
        yield {"replay": _replay(found, "Hall" if found is None else rule)}

    async def claim(self, code: str, by: str) -> None:
        self._fail()
        if code == "WRONG":
            raise NotPossible("The cloud does not know this claim code.", "code")
        self.asked.append(("claim", code, by))
        self.is_claimed = True

    async def verify(self, days: int, stream: str | None) -> AsyncGenerator[Any, None]:
        self._fail()
        if stream == "dreams":
            raise NotPossible("There is no stream dreams.")
        self.asked.append(("verify", stream, str(days)))
        yield {"progress": 0.5}
        yield {"verified": VERIFIED}

    def changes(self, after: str | None = None) -> AsyncGenerator[Told, None]:
        return self.told.follow(after)

    # Doing.

    async def call(self, action: str, target: Sequence[str], data: Any, by: str) -> Any:
        self._fail()
        self.asked.append((action, {"target": list(target), "data": data}, by))
        if action == "persistent_notification.dismiss":
            self.notices_now = [each for each in self.notices_now if each["id"] != data["notification_id"]]
            self.told.tell(Change("notice", {"id": data["notification_id"], "message": None}))
        entities = [found for name in target for found in self._entities(name)]
        words = {"turn_on": "on", "turn_off": "off", "stop_cover": "open", "unlock": "unlocked", "lock": "locked"}
        verb = action.partition(".")[2]
        return {"commands": [self._settle(each, {"state": words[verb]} if verb in words else {}) for each in entities]}

    async def set_device(self, name: str, values: Mapping[str, Any], by: str) -> Any:
        self._fail()
        self.asked.append(("set", {"name": name, **values}, by))
        found = next(
            (each for each in self._entities(name) if values.keys() <= each["capabilities"].keys() | {"transition"}),
            None,
        )
        if found is None:
            raise NotPossible(f"'{name}' cannot set {', '.join(sorted(values))}.")
        return {"commands": [self._settle(found, _after(found, values))]}

    async def activate_scene(self, name: str, by: str, source: str = "manual") -> Any:
        self._fail()
        self.asked.append(("scene", name, by))
        scene = next(
            (
                each
                for each in self.scenes_now
                if name.casefold() in {each["id"], each["entity_id"], each["name"].casefold()}
            ),
            None,
        )
        if scene is None:
            raise NotFound(f"There is no scene '{name}'. This home has: 'All off', 'Movie night'.")
        if self.is_slow:
            return {"commands": [], "status": "pending", "text": "It was sent; the devices have not answered yet."}
        failed = [{"id": LAMP, "name": "Living Room Lamp", "error": "did not answer"}] if self.unreachable else []
        return {
            "scene": scene["name"],
            "activation_id": "00000000-0000-4000-8000-0000000000e1",
            "status": "partial" if failed else "success",
            "devices_targeted": scene["devices"],
            "devices_succeeded": scene["devices"] - len(failed),
            "devices_failed": len(failed),
            "failed_devices": failed,
            "duration_ms": 120,
        }

    def discovered(self) -> Sequence[Any]:
        self._fail()
        return self.discovered_now

    async def add_discovered(self, name: str, given: Mapping[str, str], by: str) -> Any:
        self._fail()
        self.asked.append(("add", {"what": name, "given": sorted(given)}, by))
        found = self._discovered(name)
        is_first = len(self.asked) == 1
        if found["needs"] and found["needs"]["kind"] == "button" and is_first:
            raise PersonNeeded(found["needs"]["text"], "button", ())
        if found["needs"] and found["needs"]["fields"] and given.get("code") != "031-45-154":
            raise PersonNeeded(found["needs"]["text"], found["needs"]["kind"], tuple(found["needs"]["fields"]))
        found |= {"status": "connected", "needs": None, "reason": None}
        return found

    async def forget_discovered(self, name: str, *, is_ignored: bool, by: str) -> None:
        self._fail()
        self.asked.append(("forget", {"what": name, "is_ignored": is_ignored}, by))
        self._discovered(name)["status"] = "ignored"

    def _discovered(self, name: str) -> Any:
        found = next((each for each in self.discovered_now if name in {each["id"], each["name"]}), None)
        if found is None:
            raise NotFound(f"Nothing named '{name}' was discovered.")
        return found

    async def edit_device(self, device_id: str, name: str | None, room_id: str | None, by: str) -> Any:
        self._fail()
        self.asked.append(("edit", {"device": device_id, "name": name, "room_id": room_id}, by))
        found = next((each for each in self.devices_now if device_id in {each["id"], each["name"]}), None)
        if found is None:
            raise NotFound(f"There is no device '{device_id}'.")
        found |= {"name": name or found["name"], "room_id": room_id or found["room_id"]}
        return found

    async def import_definitions(self, definitions: Sequence[Any], by: str) -> Any:
        self._fail()
        self.asked.append(("import", {"definitions": list(definitions)}, by))
        imported = [
            {"key": each["key"], "id": f"id-{each['key']}", "name": each["fields"].get("name"), "outcome": "new"}
            for each in definitions
        ]
        return {"imported": imported}

    # What happens in the home by itself.

    def report(self, entity_id: str, state: str, **attributes: Any) -> None:
        """A device says that its state is so, and whoever looks on is told."""
        found = self._entities(entity_id)[0]
        found |= {"state": state, "attributes": {**found["attributes"], **attributes}}
        self.told.tell(Change("state", {"entity_id": entity_id, "state": state, "attributes": found["attributes"]}))

    def tell(self, topic: str, **body: Any) -> None:
        self.told.tell(Change(topic, body))

    def _settle(self, found: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
        if found["id"] in self.unreachable:
            return {"entity_id": found["id"], "outcome": "unconfirmed", "error": "the device did not report it"}
        self.report(found["id"], after.get("state", found["state"]), **after.get("attributes", {}))
        return {"entity_id": found["id"], "outcome": "confirmed", "error": None}

    def _entities(self, name: str) -> list[dict[str, Any]]:
        by_device = [each for each in self.devices_now if name in {each["id"], each["name"]}]
        found = [each for one in by_device for each in one["entities"]]
        found = found or [each for one in self.devices_now for each in one["entities"] if each["id"] == name]
        if not found:
            raise NotFound(f"There is no device or entity '{name}'.")
        return found

    def _fail(self) -> None:
        if self.failing is not None:
            raise self.failing


def _after(found: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The state in which a device is that has done what it was told."""
    attributes: dict[str, Any] = {}
    state = found["state"]
    for name, value in values.items():
        match name:
            case "on":
                state = "on" if value else "off"
            case "open":
                state, attributes["current_position"] = ("open", 100) if value else ("closed", 0)
            case "locked":
                state = "locked" if value else "unlocked"
            case "brightness":
                state, attributes["brightness"] = "on", round(value * 2.55)
            case "position":
                state, attributes["current_position"] = ("open" if value else "closed"), value
            case "playing":
                state = "playing" if value else "paused"
            case "volume":
                attributes["volume_level"] = value / 100
            case "source":
                attributes["source"] = value
            case "target_temperature":
                attributes["temperature"] = value
            case "mode" | "power_on_behavior":
                state = value
    return {"state": state, "attributes": attributes}
