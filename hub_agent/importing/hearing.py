"""What a rule waits for: triggers that this hub does not know, and such as nothing here ever sets off."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from hub_agent.core.automation.reading import items_of
from hub_agent.core.automation.triggers.registry import TRIGGERS
from hub_agent.importing.abilities import FIRED_HERE, UNHEARD_TRIGGERS, is_never_at_all, is_plain_action
from hub_agent.importing.case import Case, Known, Step, flat_triggers, replace_step, steps_in
from hub_agent.importing.clock_sensors import is_clock
from hub_agent.model.json import JsonValue
from hub_agent.templating import is_template

DEVICE_WORDS: Final = "a device of Home Assistant is named by its number; with Home Assistant's folder .storage beside the files many can be translated"
_OUTSIDE: Final = {
    "calendar": "this hub keeps no calendars",
    "conversation": "this hub understands no spoken sentences",
    "device": DEVICE_WORDS,
    "geo_location": "this hub knows no such places",
    "persistent_notification": "this hub tells nobody of its notices' coming and going",
    "tag": "this hub reads no tags",
}
# Home Assistant's own events, which it fires of everything it does.
OF_HOME_ASSISTANT: Final = frozenset(
    {
        "area_registry_updated",
        "automation_reloaded",
        "component_loaded",
        "core_config_updated",
        "data_entry_flow_progressed",
        "device_registry_updated",
        "device_tracker_new_device",
        "entity_registry_updated",
        "floor_registry_updated",
        "folder_watcher",
        "hacs",
        "label_registry_updated",
        "homeassistant_close",
        "homeassistant_final_write",
        "logbook_entry",
        "lovelace_updated",
        "panels_updated",
        "repairs_issue_registry_updated",
        "shopping_list_updated",
        "persistent_notifications_updated",
        "platform_discovered",
        "recorder_5min_statistics_generated",
        "scene_reloaded",
        "service_executed",
        "service_registered",
        "service_removed",
        "state_reported",
        "system_log_event",
        "tag_scanned",
        "themes_updated",
        "time_changed",
        "user_added",
        "user_removed",
    }
)
# Integrations whose events begin with their name.
_INTEGRATIONS: Final = (
    *(
        "aarlo",
        "abode",
        "actionable_notification",
        "adguard",
        "alarmo",
        "alexa",
        "amcrest",
        "androidtv",
        "august",
        "axis",
    ),
    *("blink", "bluetooth", "bosch", "broadlink", "browser_mod", "button_card", "caldav"),
    *("cync", "deconz", "dialogflow", "doorbird", "dreame", "ecobee", "elkm1", "enocean", "envisalink", "esphome"),
    *("facebox", "feedreader", "flic", "flux_led", "frigate", "fully", "geo_location", "google_assistant", "habitica"),
    *("harmony", "hikvision", "homekit", "homematic", "homematicip", "hue", "ifttt", "imap", "insteon", "ios"),
    *(
        "isy994",
        "keyboard_remote",
        "keymaster",
        "kira",
        "knx",
        "kodi",
        "konnected",
        "lcn",
        "life360",
        "lutron",
        "matrix",
        "matter",
    ),
    *("mobile_app", "motioneye", "mysensors", "myq", "neato", "nest", "netatmo", "nuki", "octoprint", "onkyo", "onvif"),
    *("openai", "owntracks", "pilight", "plex", "pushbullet", "qbus", "rachio", "reolink", "rfxtrx", "roomba"),
    *("roon", "samsungtv", "shelly", "smartthings", "snips", "sonos", "spotify", "stt", "subaru", "switchbot"),
    *("telegram", "tesla", "tibber", "tradfri", "tuya", "unifi", "unifiprotect", "velbus", "vera", "verisure"),
    *("wallbox", "webostv", "withings", "wyoming", "xiaomi", "yale", "yeelight", "zha", "zigate", "zwave", "zwave_js"),
    *("html5_notification", "nodered", "ring_mqtt", "tasmota"),
    *("adaptive_lighting", "bticino", "button_pressed", "emulated_roku", "flightradar24", "fordpass", "google"),
    *("homekit_tv_remote", "icloud3", "ir_command", "jellyfin", "keyboard_remote", "llmvision", "logi_circle"),
    *("mailgun", "mass", "miele", "music_assistant", "nzbget", "places", "proxmox", "pushover", "radarr", "rflink"),
    *("rhasspy", "ring", "roku", "sabnzbd", "sleep_as_android", "sonarr", "todoist", "traccar", "transmission"),
    *("twilio", "uptime_kuma", "waste_collection"),
)


def look_at_triggers(case: Case, known: Known) -> None:
    if not case.row.get("triggers"):
        return
    if not _look_at(case, known, case.row.get("triggers"), "triggers"):
        codes = {"trigger_unknown", "never_fires"}
        case.reasons = [replace(each, severity="cannot") if each.code in codes else each for each in case.reasons]
    for path, step in steps_in(case.row.get("actions"), "actions"):
        if "wait_for_trigger" in step:
            where = f"{path}/wait_for_trigger"
            if not _look_at(case, known, step["wait_for_trigger"], where) and "timeout" not in step:
                case.add("never_goes_on", "the rule would wait here for ever", where, "cannot")


def _look_at(case: Case, known: Known, triggers: JsonValue, where: str) -> bool:
    """Whether any of them can be set off; also when all are switched off, as they were meant to be."""
    lost, alive = 0, 0
    for path, item in flat_triggers(triggers, where):
        kind = item.get("trigger", item.get("platform"))
        is_off = item.get("enabled") is False
        if isinstance(kind, str) and kind not in TRIGGERS:
            if not is_off:
                words = _words_of_press(item) or _OUTSIDE.get(kind, "this hub does not know it")
                case.add("trigger_unknown", f"the trigger '{kind}' is left out: {words}", path)
                lost += 1
            replace_step(item, {"trigger": "event", "event_type": "left_out_at_import", "enabled": False}, kind)
        elif not is_off:
            fault = _silence_of(case, known, item, path)
            if fault is None:
                alive += 1
            else:
                lost += 1
                case.add("never_fires", f"the trigger never fires: {fault}", path)
    return alive > 0 or lost == 0


def _words_of_press(trigger: Step) -> str | None:
    """Of a button that only its integration hears: nothing in the files says what it sends."""
    domain = trigger.get("domain")
    if trigger.get("trigger", trigger.get("platform")) != "device" or "entity_id" in trigger or domain == "mqtt":
        return None
    return f"only the integration {domain} knows its presses; write in its place the topic on which the button is heard here"


def _silence_of(case: Case, known: Known, trigger: Step, path: str) -> str | None:
    """Why nothing on this hub ever sets the trigger off, if so."""
    kind = trigger.get("trigger", trigger.get("platform"))
    if isinstance(kind, str) and kind in UNHEARD_TRIGGERS:
        return UNHEARD_TRIGGERS[kind]
    if kind == "event":
        return _silent_event(case, known, trigger, path)
    strangers = _watched_strangers(trigger) if kind in ("state", "numeric_state", "zone") else None
    return None if strangers is None else f"this hub has no entities such as {strangers}"


def _silent_event(case: Case, known: Known, trigger: Mapping[str, JsonValue], path: str) -> str | None:
    """Rules fire events, also rules that are not among the files. What an integration fires a rule can fire in its place; Home Assistant's own not."""
    named = [str(each) for each in items_of(trigger.get("event_type"))]
    silent = [name for name in named if name in OF_HOME_ASSISTANT and name != "automation_reloaded"]
    for name in named:
        where = f"{path}/event_type"
        if name == "automation_reloaded":
            case.add("no_occasion", "rules are never reloaded here, so the event has no occasion", where, "note")
        elif name in silent and len(silent) < len(named):
            case.add("event_unfired", f"nothing on this hub fires the event {name}", where)
        elif is_foreign_event(name) and name not in known.events:
            words = f"{name} comes from an integration of Home Assistant: here it waits until a rule fires that event, say at a message of MQTT"
            case.add("event_elsewhere", words, where)
        elif name not in {*known.events, *FIRED_HERE, *silent} and not is_template(name):
            case.add("not_found_here", f"no rule among the files fires the event {name}", where, "note")
    if silent and len(silent) == len(named):
        return f"{', '.join(silent[:3])} is fired by Home Assistant of its own doings, and not by this hub"
    return None


def is_foreign_event(name: str) -> bool:
    """Integrations name their events with a dot, or begin them with their own name."""
    if name in FIRED_HERE or is_template(name):
        return False
    if "." in name:
        return True
    return name.lower().startswith(tuple(f"{each}_" for each in _INTEGRATIONS)) or name.lower() in _INTEGRATIONS


def _is_stranger(name: str) -> bool:
    return is_plain_action(name) and (is_never_at_all(name.partition(".")[0]) or is_clock(name))


def _watched_strangers(trigger: Mapping[str, JsonValue]) -> str | None:
    """The entities of a trigger, if it watches nothing but such as no device ever is."""
    named = [name.strip() for each in items_of(trigger.get("entity_id")) for name in str(each).lower().split(",")]
    if named and all(_is_stranger(each) for each in named):
        return ", ".join(named[:3])
    return None
