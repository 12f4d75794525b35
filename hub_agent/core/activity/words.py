"""The words of the list. Each stands in `web/static/languages/*.json` as well: a test holds the files to these."""

from collections.abc import Mapping
from typing import Final

from hub_agent.model.action import Command
from hub_agent.model.activity import Phrase, Who, say
from hub_agent.model.json import JsonValue

# By whom.
PERSON: Final = "{name}"
SOMEBODY: Final = "Somebody"
COMMAND_LINE: Final = "Somebody at the command line"
COMMAND_LINE_USER: Final = "{name}, at the command line,"
AUTOMATION: Final = "The automation “{name}”"
SOME_AUTOMATION: Final = "An automation"
CLOUD: Final = "The cloud"
CLOUD_PERSON: Final = "{name}, in the cloud,"
HEALING: Final = "Self-healing"
ITSELF: Final = "The device itself"
HUB: Final = "The hub"

# What was done to a device, by its action; {value} is what stands under the key.
BY_ACTION: Final[Mapping[str, tuple[str, str | None]]] = {
    "light.turn_on": ("{who} switched {device} on", None),
    "light.turn_off": ("{who} switched {device} off", None),
    "light.toggle": ("{who} switched {device} over", None),
    "switch.turn_on": ("{who} switched {device} on", None),
    "switch.turn_off": ("{who} switched {device} off", None),
    "switch.toggle": ("{who} switched {device} over", None),
    "fan.turn_on": ("{who} switched {device} on", None),
    "fan.turn_off": ("{who} switched {device} off", None),
    "media_player.turn_on": ("{who} switched {device} on", None),
    "media_player.turn_off": ("{who} switched {device} off", None),
    "climate.turn_on": ("{who} switched {device} on", None),
    "climate.turn_off": ("{who} switched {device} off", None),
    "cover.open_cover": ("{who} opened {device}", None),
    "cover.close_cover": ("{who} closed {device}", None),
    "cover.stop_cover": ("{who} stopped {device}", None),
    "cover.set_cover_position": ("{who} set {device} to {value} %", "position"),
    "valve.open_valve": ("{who} opened {device}", None),
    "valve.close_valve": ("{who} closed {device}", None),
    "lock.lock": ("{who} locked {device}", None),
    "lock.unlock": ("{who} unlocked {device}", None),
    "lock.open": ("{who} opened {device}", None),
    "climate.set_temperature": ("{who} set {device} to {value}°", "temperature"),
    "climate.set_hvac_mode": ("{who} set {device} to “{value}”", "hvac_mode"),
    "climate.set_preset_mode": ("{who} set {device} to “{value}”", "preset_mode"),
    "fan.set_percentage": ("{who} set {device} to {value} %", "percentage"),
    "number.set_value": ("{who} set {device} to {value}", "value"),
    "select.select_option": ("{who} set {device} to “{value}”", "option"),
    "button.press": ("{who} pressed {device}", None),
    "siren.turn_on": ("{who} switched {device} on", None),
    "siren.turn_off": ("{who} switched {device} off", None),
}
OTHER_ACTION: Final = "{who} did “{action}” with {device}"

# What a device did by itself, or somebody at it, by its new state.
BY_STATE: Final[Mapping[str, str]] = {
    "on": "{device} was switched on at the device or its own app",
    "off": "{device} was switched off at the device or its own app",
    "open": "{device} was opened",
    "closed": "{device} was closed",
    "locked": "{device} was locked",
    "unlocked": "{device} was unlocked",
    "jammed": "{device} is jammed",
    "playing": "{device} began to play",
    "armed_home": "{device} was armed",
    "armed_away": "{device} was armed",
    "armed_night": "{device} was armed",
    "disarmed": "{device} was disarmed",
    "triggered": "{device} was triggered",
}
BY_BINARY_CLASS: Final[Mapping[str, tuple[str, str]]] = {
    "door": ("{device} was opened", "{device} was closed"),
    "garage_door": ("{device} was opened", "{device} was closed"),
    "window": ("{device} was opened", "{device} was closed"),
    "opening": ("{device} was opened", "{device} was closed"),
    "lock": ("{device} was unlocked", "{device} was locked"),
    "smoke": ("{device} reports smoke", "{device} reports no smoke any more"),
    "gas": ("{device} reports gas", "{device} reports no gas any more"),
    "carbon_monoxide": ("{device} reports carbon monoxide", "{device} reports no carbon monoxide any more"),
    "moisture": ("{device} reports water", "{device} reports no water any more"),
    "tamper": ("{device} was tampered with", "{device} is not tampered with any more"),
}

SCENE_PRESSED: Final = "{who} activated the scene “{scene}”"
NOT_FOLLOWED: Final = "{devices} did not follow"
RAN: Final = "{who} ran"
MADE: Final = "{who} made {thing}"
CHANGED: Final = "{who} changed {thing}"
DELETED: Final = "{who} deleted {thing}"
DECIDED: Final = "{who} decided what holds of {thing}"
REPAIRED: Final = "{who} had {thing} repaired"
BEGAN_ANEW: Final = "{device} is new"
GONE: Final = "{device} is gone"
ADDED: Final = "{who} added {name} from the network"
FORGOT: Final = "{who} let go of {name}"
APPROVED: Final = "{who} approved a remedy"
REFUSED: Final = "{who} refused a remedy"
TRIED: Final = "{who} had a remedy tried on {device}"
SCANNED: Final = "{who} had the home looked at"
CALLED: Final = "{who} called {action}"
HEALED: Final = "{who} tried “{remedy}” on {device}: it helped"
NOT_HEALED: Final = "{who} tried “{remedy}” on {device}: it did not help"
TOLD: Final = "{who} told: {title}"
AND_SO_ON: Final = "This goes on; for an hour no more of it is told"

# Why something did not work, where nobody says it better.
UNANSWERED: Final = "it did not answer"
PARTLY: Final = "something in it did not work"
TOO_LONG: Final = "it took too long"
FAILED: Final = "it failed"

# What definitions are called.
THINGS: Final[Mapping[str, str]] = {
    "homes": "the home",
    "rooms": "the room “{name}”",
    "devices": "the device “{name}”",
    "device_groups": "the group “{name}”",
    "scenes": "the scene “{name}”",
    "automations": "the automation “{name}”",
    "alert_rules": "the alert rule “{name}”",
}
# Said by others than the core: who came in, settings.
BY_OTHERS: Final = (
    "{who} was let in",
    "{who} left",
    "{who} made a code that lets “{name}” in",
    "{who} made a code that lets somebody in",
    "{who} made the token “{name}”",
    "{who} took back the access of “{name}”",
    "Somebody entered a wrong code",
    "{who} made a backup",
    "{who} had the agent restarted",
    "{who} changed settings",
)


def all_words() -> set[str]:
    """Every sentence and part of one."""
    own = {value for name, value in globals().items() if name.isupper() and isinstance(value, str)}
    own |= {words for words, _ in BY_ACTION.values()} | set(BY_STATE.values()) | set(THINGS.values())
    return own | {words for pair in BY_BINARY_CLASS.values() for words in pair} | set(BY_OTHERS)


def person(by: str | None) -> Who:
    if not by:
        return Who("person", "", say(SOMEBODY))
    place, _, user = by.partition(": ")
    if place == "local":
        return Who("person", by, say(COMMAND_LINE_USER, name=user) if user else say(COMMAND_LINE))
    return Who("person", by, say(PERSON, name=by))


def automation(automation_id: str, name: str | None) -> Who:
    return Who("automation", automation_id, say(AUTOMATION, name=name) if name else say(SOME_AUTOMATION))


def cloud(by: str | None = None) -> Who:
    return Who("cloud", by or "", say(CLOUD_PERSON, name=by) if by else say(CLOUD))


HEALER: Final = Who("healing", "", say(HEALING))
THE_HUB: Final = Who("hub", "", say(HUB))


def itself(device_id: str) -> Who:
    return Who("device", device_id, say(ITSELF))


def done(command: Command, device: str) -> Phrase:
    words, key = BY_ACTION.get(command.action, (OTHER_ACTION, None))
    if words == OTHER_ACTION:
        return say(words, device=device, action=command.action)
    if key is None:
        return say(words, device=device)
    return say(words, device=device, value=_short(command.data.get(key)))


def _short(value: JsonValue) -> str | int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return str(value)[:60]


def thing(table: str, name: str) -> Phrase:
    return say(THINGS.get(table, "the device “{name}”"), name=name)
