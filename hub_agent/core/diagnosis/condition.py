"""How a device is, apart from being reached: its values, its firmware, the automations that use it, its safety, what it draws."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from hub_agent.core.diagnosis.reach import Subject
from hub_agent.core.diagnosis.step import Status, Step
from hub_agent.core.expectation import number_in
from hub_agent.model.json import JsonObject
from hub_agent.model.state import UNAVAILABLE, UNKNOWN

# Nothing that a home measures lies outside these, by what is measured and in which unit.
_POSSIBLE: Final[Mapping[tuple[str, str], tuple[float, float]]] = MappingProxyType(
    {
        ("battery", "%"): (0, 100),
        ("humidity", "%"): (0, 100),
        ("moisture", "%"): (0, 100),
        ("temperature", "°C"): (-90, 400),
        ("temperature", "°F"): (-130, 752),
        ("illuminance", "lx"): (0, 1_000_000),
        ("pressure", "hPa"): (300, 1_200),
        ("carbon_dioxide", "ppm"): (0, 100_000),
    }
)
_OF_VALUES: Final = ("stuck", "impossible", "stale", "value", "implausible")
_OF_SAFETY: Final = ("security", "vulnerab", "password", "credential", "unencrypted", "intrusion")
# What is switched off may still listen; beyond this something else is on.
OFF_W_MAX: Final = 15.0


def look_at_sensors(seen: Subject) -> Step:
    known = [each for code, each in seen.issues.items() if any(word in code for word in _OF_VALUES)]
    if known:
        text = " ".join(each.text for each in known[:3])
        advice = "Compare it with what you see. If it is wrong, clean it or take its power away for ten seconds."
        return Step("sensors", Status.WARNING, text, code=known[0].code, advice=advice)
    impossible = list(_impossible(seen))
    if impossible:
        text = f"It says what cannot be: {', '.join(impossible)}."
        return Step("sensors", Status.WARNING, text, advice="It is broken or set up wrongly: look at its settings.")
    measuring = [
        each for each in seen.device.entities if each.domain in {"sensor", "binary_sensor"} and each.category is None
    ]
    if not measuring:
        return Step("sensors", Status.SKIPPED, "It measures nothing.")
    states = [state for each in measuring if (state := seen.facts.state(each.id)) is not None]
    unknown = sum(1 for state in states if state.state in {UNKNOWN, UNAVAILABLE})
    if states and unknown == len(states):
        return Step("sensors", Status.UNKNOWN, "None of its values is known.", {"unknown": unknown})
    return Step("sensors", Status.OK, "What it measures can be.", {"values": len(states), "unknown": unknown})


def _impossible(seen: Subject) -> Iterator[str]:
    for entity in seen.device.entities:
        bounds = _POSSIBLE.get((entity.device_class or "", entity.unit or ""))
        state = seen.facts.state(entity.id) if bounds else None
        number = None if state is None else number_in(state.state)
        if bounds is not None and number is not None and not bounds[0] <= number <= bounds[1]:
            yield f"{entity.name or entity.id} {number:g} {entity.unit}"


def look_at_firmware(seen: Subject) -> Step:
    version = seen.facts.presence(seen.device.id).firmware_version or seen.device.firmware_version
    told = {"firmware_version": version}
    issue = next((each for code, each in seen.issues.items() if code.startswith("firmware_")), None)
    offered = [
        state
        for each in seen.device.entities
        if each.domain == "update" and (state := seen.facts.state(each.id)) is not None and state.state in {"on", "off"}
    ]
    if issue is not None:
        return Step(
            "firmware", Status.WARNING, issue.text, told, code=issue.code, advice="Update it when it suits you."
        )
    if not offered:
        return Step("firmware", Status.UNKNOWN, "Nobody says whether there is a newer one.", told)
    newer = next((state for state in offered if state.state == "on"), None)
    if newer is None:
        return Step("firmware", Status.OK, "It is as new as can be.", told)
    latest = newer.attributes.get("latest_version")
    words = f"There is a newer one: {latest}." if isinstance(latest, str) else "There is a newer one."
    return Step(
        "firmware",
        Status.WARNING,
        words,
        {**told, "latest": latest},
        severity="info",
        advice="Update it when it suits you.",
    )


def look_at_automations(seen: Subject) -> Step:
    rules = seen.facts.rules(seen.device)
    if not rules:
        return Step("automations", Status.SKIPPED, "No automation names it.")
    ill = [name for name, health in rules if health != "healthy"]
    told: JsonObject = {"automations": [name for name, _ in rules[:20]], "count": len(rules)}
    if not ill:
        return Step("automations", Status.OK, f"Automations that name it and can do so: {len(rules)}.", told)
    text = f"{len(ill)} of {len(rules)} automations that name it cannot do all that they are for: {', '.join(ill[:5])}."
    advice = f'See what is missing: nexa-hub automations check "{ill[0]}"'
    return Step("automations", Status.WARNING, text, told, advice=advice)


def look_at_security(seen: Subject) -> Step:
    known = [each for code, each in seen.issues.items() if any(word in code for word in _OF_SAFETY)]
    if not known:
        return Step("security", Status.OK, "Nothing is known against it.")
    worst = next((each for each in known if each.kind.severity in {"error", "critical"}), known[0])
    status = Status.FAILED if worst.kind.severity in {"error", "critical"} else Status.WARNING
    return Step(
        "security", status, " ".join(each.text for each in known[:3]), code=worst.code, severity=worst.kind.severity
    )


def look_at_energy(seen: Subject) -> Step:
    known = [each for code, each in seen.issues.items() if "energy" in code or "power_draw" in code]
    if known:
        return Step("energy", Status.WARNING, known[0].text, code=known[0].code)
    drawn = seen.facts.drawn_w(seen.device)
    if drawn is None:
        return Step("energy", Status.SKIPPED, "It does not measure what it draws.")
    switches = [each for each in seen.device.entities if each.domain in {"switch", "light"} and each.category is None]
    states = [state for each in switches if (state := seen.facts.state(each.id)) is not None]
    if states and all(state.state == "off" for state in states) and drawn > OFF_W_MAX:
        text = f"It draws {drawn:g} W although it is switched off: its relay may stick."
        return Step("energy", Status.WARNING, text, {"drawn_w": drawn}, advice="Unplug it and look at it.")
    return Step("energy", Status.OK, f"It draws {drawn:g} W.", {"drawn_w": drawn})
