"""The part of the fake door where devices and the home are diagnosed."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from hub_agent.errors import NotFound

AT = "2026-06-01T12:00:00+00:00"


def step(key: str, status: str, text: str, **more: Any) -> dict[str, Any]:
    given = {"key": key, "title": key.capitalize(), "status": status, "text": text, "facts": {}, "advice": None}
    return {**given, "because": None, "device_id": "d1", "device": "Lamp", "count": 1, **more}


STEPS = [
    step("hub", "ok", "Nothing is wrong with the hub itself."),
    step("parents", "failed", "Its bridge Bridge is away.", advice="Look at Bridge first."),
    step("link", "failed", "It is unavailable.", because="parents"),
]


def diagnosis(of: str, name: str, steps: Sequence[dict[str, Any]]) -> dict[str, Any]:
    is_well = all(each["status"] == "ok" for each in steps)
    return {
        "id": "d",
        "of": of,
        "device_id": "d1" if of == "device" else None,
        "name": name,
        "trigger_source": "manual",
        "started_at": AT,
        "completed_at": AT,
        "overall_status": "healthy" if is_well else "failed",
        "health_score": 100 if is_well else 60,
        "issues_found": 0 if is_well else 1,
        "summary": "Nothing is wrong in the home." if is_well else "Its bridge Bridge is away.",
        "root": None if is_well else steps[1],
        "steps": [*steps],
        "recommendations": [] if is_well else ["Look at Bridge first."],
    }


class FakeDiagnosing:
    def diagnoses(self) -> Sequence[Any]:
        return [diagnosis("device", "Lamp", STEPS)]

    async def diagnose(self, name: str | None) -> AsyncGenerator[Any, None]:
        if name == "Nobody":
            raise NotFound("There is no device 'Nobody'.")
        told = diagnosis("home", "The home", STEPS[:1]) if name is None else diagnosis("device", name, STEPS)
        for each in told["steps"]:
            yield {"step": each}
        yield {"diagnosis": told}
