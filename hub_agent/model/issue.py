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
            "device_flapping",
            "warning",
            "A device comes and goes",
            "{name} {what}. Look at its power supply and at how far it is from its router.",
        ),
        IssueKind(
            "value_stuck",
            "warning",
            "A measured value does not move any more",
            "{name} has said {value} for {unchanged_for}, though it goes on reporting. Take its power or battery away for a moment.",
        ),
        IssueKind(
            "value_impossible",
            "warning",
            "A measured value cannot be true",
            "{name} said {value}, again and again; {limits} would be possible. Look at the sensor and its cable.",
        ),
        IssueKind(
            "battery_low",
            "warning",
            "A battery is almost empty",
            "The battery of {name} is at {level}. Have {battery} ready.",
        ),
        IssueKind(
            "battery_critical",
            "error",
            "A battery is empty",
            "The battery of {name} is at {level}: it may stop any time. Change it: {battery}.",
        ),
        IssueKind(
            "link_weak",
            "warning",
            "A device has bad reception",
            "{name} is heard with {strength}, and used to be with {usual}. Look what stands in between, or whether something else has lost its power.",
        ),
        IssueKind(
            "links_weak_together",
            "warning",
            "Several devices have bad reception",
            "{count} devices behind {name} are heard worse than usual: {devices}. Look at {name}, its antenna and what stands near it.",
        ),
        IssueKind(
            "device_errors",
            "warning",
            "A device refuses again and again",
            "{name} has failed {count} times within {within}. The last time: {reason}",
        ),
        IssueKind(
            "device_rebooting",
            "warning",
            "A device restarts again and again",
            "{name} has restarted {count} times within {within}. Look at its power supply.",
        ),
        IssueKind(
            "device_reset",
            "warning",
            "A device has lost its settings",
            "{name} was reset: {reason}. What it had been told is gone.",
        ),
        IssueKind(
            "home_exposed",
            "error",
            "Something in the home is open to everybody on the network",
            "{names}. {text} {advice}",
        ),
        IssueKind(
            "security_incident",
            "warning",
            "Somebody may try to get in",
            "{what}: {text} {advice}",
        ),
        IssueKind(
            "security_noted",
            "info",
            "Something to look at",
            "{what}: {text} {advice}",
        ),
        IssueKind(
            "access_rule_not_enforced",
            "warning",
            "A network access rule is not enforced",
            "The rule “{name}” is not enforced by this hub: {reason}.",
        ),
        IssueKind(
            "firmware_behind",
            "info",
            "There is newer firmware",
            "{name} runs {installed}; {latest} is to be had.",
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
            "automation_reference",
            "warning",
            "An automation names something that is gone",
            "“{automation}” names {replaced}, which is gone. In its place there is {by}.",
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
            "alert_rule_invalid",
            "warning",
            "An alert rule is not in force",
            "{name}: {reason}. Nobody is told by it until it is changed.",
        ),
        IssueKind(
            "channel_failing",
            "warning",
            "Messages do not get through",
            "The channel {channel} does not take messages: {reason}. They are tried again for a day. Test it with: nexa-hub alerts test {channel}",
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
            "disk_nearly_full",
            "warning",
            "The hub's disk is nearly full",
            "On the hub's disk ({disk}) {free} of {total} are free. Delete what is not needed there, or use a larger one; before it is full, "
            "the hub gives up old measurements.",
        ),
        IssueKind(
            "hub_hot",
            "warning",
            "The hub is too hot",
            "The hub's processor has been at {celsius} °C; from {limit} °C on it slows itself down. Give it air: away from other devices and the sun, dust off, a heat sink or a fan.",
        ),
        IssueKind(
            "hub_under_voltage",
            "warning",
            "The hub's power supply is too weak",
            "The hub does not get enough voltage. That damages cards and makes it stop. Use the power supply made for it, a short cable, and unplug what draws power from it.",
        ),
        IssueKind(
            "hub_memory_low",
            "warning",
            "The hub is short of memory",
            "Of the hub's memory {available} of {total} are left; the hub's own program uses {agent}. Stop other programs on it.",
        ),
        IssueKind(
            "hub_slow",
            "warning",
            "The hub is too slow",
            "The hub is late by up to {lag}. Lights and rules wait that long. Look at what else runs on it: nexa-hub doctor.",
        ),
        IssueKind(
            "hub_restarting",
            "warning",
            "The hub starts again and again",
            "The hub was started {hour} times within the hour, {day} times within the day. See why: journalctl -u nexa-hub; a weak power supply is the most common cause.",
        ),
        IssueKind(
            "card_wearing",
            "warning",
            "The hub's card is nearly worn out",
            "The hub's card says that {worn} of its life is used up. Make a backup, and replace it soon.",
        ),
        IssueKind(
            "clock_untrusted",
            "warning",
            "The hub does not know what time it is",
            "For {since} nobody has told the hub the time, so rules may run at the wrong one. Give it a way to a time server: timedatectl status.",
        ),
        IssueKind(
            "mirror_damaged",
            "error",
            "The mirror is damaged",
            "A look at the hub's memory of the home has found damage. What can be read of it is kept when it is made anew. The card may be dying: make a backup, and replace it.",
        ),
        IssueKind(
            "router_unreachable",
            "error",
            "The router does not answer",
            "The router ({address}) does not answer: {reason}. Devices on Wi-Fi and everything outside the home cannot be reached. Look at the router and the hub's network cable.",
        ),
        IssueKind(
            "internet_unreachable",
            "warning",
            "There is no internet",
            "The router answers, but nothing behind it does ({reason}). The home goes on; what is for the cloud waits. Restart the router, or ask the provider.",
        ),
        IssueKind(
            "dns_failing",
            "warning",
            "Names on the internet are not found",
            "The name {name} is not found ({reason}): the DNS server, mostly the router's, does not do its work. Restart the router, or set another DNS server.",
        ),
        IssueKind(
            "cloud_unreachable",
            "warning",
            "The cloud does not answer",
            "The internet is there, but the cloud ({address}) does not answer: {reason}. The home goes on; records wait here.",
        ),
        IssueKind(
            "battery_ending_soon",
            "warning",
            "A battery will be empty soon",
            "{name} will need a new battery around {date}: it is at {level} and falls. Have one at hand.",
        ),
        IssueKind(
            "connection_worsening",
            "warning",
            "A device is losing its connection",
            "{name} {reason}. Bring it nearer to its bridge, put something that passes messages on between them, or look for what is new in the way.",
        ),
        IssueKind(
            "energy_unusual",
            "warning",
            "A device uses energy as it never did",
            "{name} uses {used} Wh an hour; at these hours {usual} Wh are usual. Look whether it is as it should be.",
        ),
        IssueKind(
            "model_parameters_wrong",
            "warning",
            "A forecast was sent parameters that make no sense",
            "{name}: {reason}. The built-in ones are used.",
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
            "safe_mode",
            "error",
            "The hub runs without what is optional",
            "The hub's program has ended {count} times soon after its start. Automations, scenes and this page go on; left out: {left_out}. Everything is tried again "
            "at {trial_at}; at once: nexa-hub safe-mode leave. Why it failed: journalctl -u nexa-hub.",
        ),
        IssueKind(
            "backup_failed",
            "warning",
            "No backup could be made",
            "{reason} The backups from before are there still; it is tried again every hour.",
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
