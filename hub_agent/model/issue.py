"""Everything that can be wrong, registered once, with words for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hub_agent.model.json import JsonObject


@dataclass(frozen=True, slots=True)
class IssueKind:
    """`text` may name `{placeholders}` of the issue's details. severity: info | warning | error | critical."""

    code: str
    severity: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Issue:
    """Something wrong now. `subject` is a device id, an automation id, a topic ...; one issue per code and subject."""

    code: str
    subject: str
    since: datetime
    details: JsonObject

    @property
    def kind(self) -> IssueKind:
        return ISSUES[self.code]

    @property
    def text(self) -> str:
        return self.kind.text.format_map(_Blanks(self.details))


class _Blanks(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return f"({key} unknown)"


ISSUES: Mapping[str, IssueKind] = {
    kind.code: kind
    for kind in (
        IssueKind(
            "device_silent",
            "warning",
            "A device has gone silent",
            "{name} has not been heard for {silent_for}; it usually reports every {rhythm}.",
        ),
        IssueKind(
            "device_unavailable",
            "warning",
            "A device cannot be reached",
            "{name} is unavailable: {reason}.",
        ),
        IssueKind(
            "dialect_troubled",
            "warning",
            "A dialect is in trouble",
            "{dialect}: {reason}. Its devices may not be reached; it is begun again, and everything else goes on.",
        ),
        IssueKind(
            "command_unconfirmed",
            "warning",
            "A device did not confirm a command",
            "{name} was told {action} and did not report that it did.",
        ),
        IssueKind(
            "devices_failing_together",
            "error",
            "Several devices failed together",
            "{count} devices behind {name} stopped answering together: {devices}. Look at {name} and what powers it first.",
        ),
        IssueKind(
            "automation_invalid",
            "error",
            "An automation cannot run",
            "{name}: {reason}",
        ),
        IssueKind(
            "automation_unhealthy",
            "warning",
            "An automation cannot do all that it is for",
            "{name}: {reason}",
        ),
        IssueKind(
            "automation_loop",
            "error",
            "Automations set each other off without end",
            "{name} does not answer to the others until {until}: {reason}. Change one of them, so that it comes to rest.",
        ),
        IssueKind(
            "scene_invalid",
            "error",
            "A scene cannot be activated",
            "{name}: {reason}",
        ),
        IssueKind(
            "device_invalid",
            "error",
            "A self-made device cannot be set up",
            "{name}: {reason}",
        ),
        IssueKind(
            "entity_missing",
            "warning",
            "A definition names an entity that does not exist",
            "{name} names {entity_id}, which this home does not have.",
        ),
        IssueKind(
            "payloads_rejected",
            "warning",
            "Messages were not understood",
            "{count} messages on {topic} were not understood: {reason}",
        ),
        IssueKind(
            "device_flooding",
            "warning",
            "A device announces itself too often",
            "{name} announced itself {count} times in a minute; the repeats are ignored.",
        ),
        IssueKind(
            "broker_unreachable",
            "error",
            "No MQTT broker",
            "The MQTT broker cannot be used ({reason}). Devices that speak MQTT are neither heard nor commanded. Check: systemctl status mosquitto",
        ),
        IssueKind(
            "cloud_refused",
            "error",
            "The cloud refuses this hub",
            "{reason} The home goes on; records wait. Check with: nexa-hub doctor",
        ),
        IssueKind(
            "hub_doubled",
            "error",
            "Two machines are this hub",
            "Another machine sends to the cloud as this hub, from a copy of its card or backup. Nothing is lost, but both speak for "
            "the home. Switch one of them off. To use it elsewhere, delete {folder} on it and claim it anew.",
        ),
        IssueKind(
            "mirror_salvaged",
            "error",
            "The mirror was damaged",
            "{finding} Definitions come back from the cloud; devices announce themselves again.",
        ),
        IssueKind(
            "definition_set_aside",
            "error",
            "Something that was changed is set aside",
            "The {kind} “{name}” is set aside: {reason}. {used}, until it is changed. See: nexa-hub definitions history KIND NAME.",
        ),
        IssueKind(
            "disk_full",
            "critical",
            "The disk is full",
            "{reason} Automations go on; what happens now is remembered only when there is room again.",
        ),
        IssueKind(
            "mirror_unwritable",
            "critical",
            "The mirror cannot be written",
            "{reason} Automations go on; what happens now is remembered only when it can be written again.",
        ),
    )
}
