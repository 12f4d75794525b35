"""What the demo says while it runs: one plain line for each thing worth telling."""

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]

REMEDIES = {
    "ask_state": "asking for its state",
    "resend_command": "sending the command again",
    "reconfigure_through_bridge": "configuring it anew through its bridge",
    "tell_person": "telling a person",
}
OUTCOMES = {
    "in_progress": "trying",
    "completed": "that helped",
    "failed": "that did not help",
    "skipped": "not needed any more",
    "requires_manual": "it needs a person",
}


class Story:
    """Turns the agent's changes into lines. Knows devices by their names, and says nothing twice in a row."""

    def __init__(self) -> None:
        self._name_by_device: dict[str, str] = {}
        self._device_by_entity: dict[str, str] = {}
        self._text_by_issue: dict[tuple[str, str], str] = {}
        self._waiting: int | None = None
        self._is_online: bool | None = None

    def learn(self, devices: list[dict[str, Any]]) -> None:
        for device in devices:
            self._name_by_device[device["id"]] = device["name"]
            self._device_by_entity |= {entity["id"]: device["name"] for entity in device["entities"]}

    def line(self, topic: str, body: Json) -> str | None:
        teller = getattr(self, f"_{topic}", None)
        told: str | None = teller(body) if teller else None
        return told

    def sync(self, status: Json) -> str | None:
        """The link to the cloud, when it changed or when what waits grew or shrank by much."""
        online, waiting = bool(status.get("is_online")), int(status.get("waiting") or 0)
        if online != self._is_online:
            self._is_online, self._waiting = online, waiting
            return (
                f"cloud: online, {waiting} records wait"
                if online
                else "cloud: offline; the home goes on, records wait here"
            )
        if waiting == self._waiting or (self._waiting is not None and abs(waiting - self._waiting) < 25 and waiting):
            return None
        self._waiting = waiting
        return f"cloud: {waiting} records wait" if waiting else "cloud: everything is stored there"

    def _scene(self, body: Json) -> str | None:
        if body.get("status") in (None, "running"):
            return None
        targeted, succeeded = body.get("devices_targeted"), body.get("devices_succeeded")
        failed = ", ".join(str(each.get("name") or each.get("id")) for each in body.get("failed_devices") or ())
        told = f"scene '{body.get('name')}': {succeeded} of {targeted} devices in {body.get('duration_ms')} ms"
        return f"{told}; no answer from {failed}" if failed else told

    def _run(self, body: Json) -> str | None:
        status = body.get("status")
        if status in (None, "conditions_not_met"):
            return None
        name = body.get("automation") or body.get("name")
        return f"automation '{name}': {status}" if status != "running" else f"automation '{name}' runs"

    def _issue(self, body: Json) -> str | None:
        """A text says what is wrong; none says that it is over."""
        key = (str(body.get("code")), str(body.get("subject")))
        text = body.get("text")
        if "remedy" in body:
            return self._remedy(body)
        if text:
            self._text_by_issue[key] = str(text)
            return f"issue: {text}"
        earlier = self._text_by_issue.pop(key, None)
        return f"no longer: {earlier}" if earlier else None

    def _remedy(self, body: Json) -> str:
        tried = REMEDIES.get(str(body.get("remedy")), str(body.get("remedy")))
        return f"healing {body.get('name')}: {tried} - {OUTCOMES.get(str(body.get('status')), body.get('status'))}"

    def _device(self, body: Json) -> str | None:
        name = body.get("name") or self._name_by_device.get(str(body.get("id")), "a device")
        if body.get("is_new"):
            return f"found {name}"
        if body.get("is_gone"):
            return f"gone: {name}"
        if body.get("availability") in ("offline", "unavailable"):
            return f"{name} cannot be reached"
        return None

    def _command(self, body: Json) -> str | None:
        if body.get("outcome") in ("unconfirmed", "failed", "expired"):
            name = self._device_by_entity.get(str(body.get("entity_id")), body.get("entity_id"))
            return f"{name} did not do it: {body.get('action')} {body.get('outcome')}"
        return None
