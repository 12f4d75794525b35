"""A year of a busy home as one scenario: sensors that tell their values, people who move, and twenty rules."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

START = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
ROOMS = ("hall", "kitchen", "living", "bath", "bedroom", "study", "attic", "cellar")
METERS = 40

# Of a hundred changes: most are numbers that nobody waits for.
SHARES = {"power": 70, "temperature": 14, "humidity": 10, "motion": 3, "contact": 2, "presence": 1}


def write_year(file: Path, changes: int) -> None:
    scenario = {
        "name": "a year of a busy home",
        "home": {
            "time_zone": "Europe/Berlin",
            "latitude": 52.5,
            "longitude": 13.4,
            "elevation": 34,
            "start": START.isoformat(),
        },
        "initial": {name: {"state": "off", "attributes": {}} for name in _lamps()},
        "automations": rules(),
        "expect": [],
    }
    # Step by step: what this process holds when it starts another is counted as that one's memory, too.
    with file.open("wb") as out:
        out.write(orjson.dumps(scenario)[:-1] + b',"steps":[')
        for number, step in enumerate(_steps(changes)):
            out.write((b"," if number else b"") + orjson.dumps(step))
        out.write(b"]}")


def _lamps() -> list[str]:
    return [f"light.{room}" for room in ROOMS]


def _steps(changes: int) -> Any:
    """As many changes in a year, spread evenly; a quarter of the year's days if they are a quarter as many."""
    chance = random.Random(1)
    gap = YEAR.total_seconds() / 3_000_000
    kinds = [kind for kind, share in SHARES.items() for _ in range(share)]
    is_on: dict[str, bool] = {}
    for number in range(changes):
        kind = chance.choice(kinds)
        entity, state = _change(kind, chance, is_on)
        body: dict[str, Any] = {"entity": entity, "state": state}
        if kind in {"power", "temperature"}:
            body["attributes"] = {
                "unit_of_measurement": "W" if kind == "power" else "°C",
                "friendly_name": entity.partition(".")[2].replace("_", " "),
            }
        yield {"at": f"+{number * gap:.3f}s", "set": body}


def _change(kind: str, chance: random.Random, is_on: dict[str, bool]) -> tuple[str, str]:
    room = chance.choice(ROOMS)
    match kind:
        case "power":
            return f"sensor.power_{chance.randrange(METERS)}", f"{chance.random() * 2000:.1f}"
        case "temperature":
            return f"sensor.{room}_temperature", f"{chance.gauss(21, 1.5):.2f}"
        case "humidity":
            return f"sensor.{room}_humidity", f"{chance.gauss(50, 8):.1f}"
        case "motion":
            return _toggled(f"binary_sensor.{room}_motion", is_on)
        case "contact":
            return _toggled(f"binary_sensor.{room}_window", is_on)
        case _:
            entity = f"person.p{chance.randrange(3)}"
            return entity, "home" if _toggled(entity, is_on)[1] == "on" else "not_home"


def _toggled(entity: str, is_on: dict[str, bool]) -> tuple[str, str]:
    is_on[entity] = not is_on.get(entity, False)
    return entity, "on" if is_on[entity] else "off"


def rules() -> list[dict[str, Any]]:
    found = [_light_at_motion(room) for room in ROOMS]
    found += [_heat_off_at_window(room) for room in ROOMS[:6]]
    found += [_fan_at_humidity("bath"), _fan_at_humidity("kitchen")]
    found += [
        {
            "alias": "evening",
            "triggers": [{"trigger": "sun", "event": "sunset", "offset": "-00:30:00"}],
            "actions": [{"action": "light.turn_on", "target": {"entity_id": "light.living"}}],
        },
        {
            "alias": "morning",
            "triggers": [{"trigger": "time", "at": "06:30:00", "weekday": ["mon", "tue", "wed", "thu", "fri"]}],
            "actions": [
                {"action": "cover.open_cover", "target": {"entity_id": "cover.bedroom"}},
                {"delay": "00:10:00"},
                {"action": "media_player.turn_on", "target": {"entity_id": "media_player.kitchen"}},
            ],
        },
        {
            "alias": "everybody out",
            "triggers": [{"trigger": "state", "entity_id": [f"person.p{n}" for n in range(3)], "to": "not_home"}],
            "conditions": [
                "{{ expand('person.p0', 'person.p1', 'person.p2') | selectattr('state', 'eq', 'home') | list | count == 0 }}"
            ],
            "actions": [{"action": "light.turn_off", "target": {"entity_id": _lamps()}}],
        },
        {
            "alias": "too warm",
            "triggers": [
                {"trigger": "template", "value_template": "{{ states('sensor.attic_temperature') | float(0) > 24 }}"}
            ],
            "actions": [
                {"action": "notify.family", "data": {"message": "{{ states('sensor.attic_temperature') }} °C"}}
            ],
        },
    ]
    return found


def _light_at_motion(room: str) -> dict[str, Any]:
    return {
        "alias": f"light {room}",
        "mode": "restart",
        "triggers": [{"trigger": "state", "entity_id": f"binary_sensor.{room}_motion", "to": "on"}],
        "conditions": [{"condition": "sun", "after": "sunset", "before": "sunrise"}],
        "actions": [
            {
                "action": "light.turn_on",
                "target": {"entity_id": f"light.{room}"},
                "data": {"brightness_pct": "{{ 30 if now().hour < 6 else 90 }}"},
            },
            {"delay": {"minutes": 5}},
            {"action": "light.turn_off", "target": {"entity_id": f"light.{room}"}},
        ],
    }


def _heat_off_at_window(room: str) -> dict[str, Any]:
    return {
        "alias": f"window {room}",
        "triggers": [
            {"trigger": "state", "entity_id": f"binary_sensor.{room}_window", "to": "on", "for": {"minutes": 2}}
        ],
        "actions": [
            {"action": "climate.turn_off", "target": {"entity_id": f"climate.{room}"}},
            {
                "wait_for_trigger": [{"trigger": "state", "entity_id": f"binary_sensor.{room}_window", "to": "off"}],
                "timeout": "01:00:00",
            },
            {"action": "climate.turn_on", "target": {"entity_id": f"climate.{room}"}},
        ],
    }


def _fan_at_humidity(room: str) -> dict[str, Any]:
    return {
        "alias": f"fan {room}",
        "triggers": [
            {"trigger": "numeric_state", "entity_id": f"sensor.{room}_humidity", "above": 60, "for": {"minutes": 5}}
        ],
        "actions": [{"action": "fan.turn_on", "target": {"entity_id": f"fan.{room}"}}],
    }
