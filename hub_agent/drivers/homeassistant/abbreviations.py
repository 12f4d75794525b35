"""Short spellings of configuration keys, as Home Assistant's MQTT discovery documents them (older ones included), and `~`.

https://www.home-assistant.io/integrations/mqtt/#discovery-payload
"""

from collections.abc import Mapping
from typing import Final

from hub_agent.model.json import JsonObject, JsonValue

BASE: Final = "~"

# One row per first word: what follows the short word, and what follows the long one.
_FAMILIES: Final = """
act action: t topic, tpl template
act activity: stat_t state_topic, val_tpl value_template
avty availability: mode mode, t topic, tpl template
aux aux: cmd_t command_topic, stat_tpl state_template, stat_t state_topic
away_mode away_mode: cmd_t command_topic, stat_tpl state_template, stat_t state_topic
bat_lev battery_level: t topic, tpl template
bri brightness: cmd_tpl command_template, cmd_t command_topic, scl scale, stat_t state_topic, tpl template, val_tpl value_template
chrg charging: t topic, tpl template
cln cleaning: t topic, tpl template
cln_segmnts clean_segments: cmd_t command_topic, cmd_tpl command_template
clr_temp color_temp: cmd_tpl command_template, cmd_t command_topic, k kelvin, stat_t state_topic, tpl template, val_tpl value_template
clrm color_mode: stat_t state_topic, val_tpl value_template
cmd command: off_tpl off_template, on_tpl on_template, t topic, tpl template
cod code: arm_req arm_required, dis_req disarm_required, form format, trig_req trigger_required
curr_hum current_humidity: t topic, tpl template
curr_temp current_temperature: t topic, tpl template
dir direction: cmd_t command_topic, cmd_tpl command_template, stat_t state_topic, val_tpl value_template
dock dock: cmd_t command_topic, cmd_tpl command_template
dock docked: t topic, tpl template
err error: t topic, tpl template
fanspd fan_speed: t topic, tpl template, lst list
flsh flash: tlng time_long, tsht time_short
fx effect: cmd_tpl command_template, cmd_t command_topic, list list, stat_t state_topic, tpl template, val_tpl value_template
fan_mode fan_mode: cmd_tpl command_template, cmd_t command_topic, stat_tpl state_template, stat_t state_topic
hold hold: cmd_tpl command_template, cmd_t command_topic, stat_tpl state_template, stat_t state_topic
hs hs: cmd_t command_topic, cmd_tpl command_template, stat_t state_topic, val_tpl value_template
hum target_humidity: cmd_t command_topic, cmd_tpl command_template, stat_t state_topic, state_tpl state_template, stat_tpl state_template
img image: e encoding, t topic
ir infrared: e encoding
json_attr json_attributes: t topic, tpl template
l_ver latest_version: t topic, tpl template
lrst last_reset: t topic, val_tpl value_template
mode mode: cmd_tpl command_template, cmd_t command_topic, stat_t state_topic, stat_tpl state_template
osc oscillation: cmd_t command_topic, cmd_tpl command_template, stat_t state_topic, val_tpl value_template
pause pause: cmd_t command_topic, mw_cmd_tpl command_template
pct percentage: cmd_t command_topic, cmd_tpl command_template, stat_t state_topic, val_tpl value_template
pl payload: arm_away arm_away, arm_home arm_home, arm_nite arm_night, arm_vacation arm_vacation, arm_custom_b arm_custom_bypass, avail available, cln_sp clean_spot, cls close, disarm disarm, hi_spd high_speed, home home, inst install, lock lock, loc locate, lo_spd low_speed, med_spd medium_speed, not_avail not_available, not_home not_home, off off, off_spd off_speed, on on, open open, osc_off oscillation_off, osc_on oscillation_on, paus pause, prs press, ret return_to_base, rst reset, rst_hum reset_humidity, rst_mode reset_mode, rst_pct reset_percentage, rst_pr_mode reset_preset_mode, stop stop, stop_tilt stop_tilt, stpa start_pause, strt start, toff turn_off, ton turn_on, trig trigger, unlk unlock
pos position: clsd closed, open open, t topic, tpl template
pow power: cmd_t command_topic, cmd_tpl command_template, stat_t state_topic, stat_tpl state_template
pr_mode preset_mode: cmd_t command_topic, cmd_tpl command_template, stat_t state_topic, val_tpl value_template
rel release: s summary, u url
rgb rgb: cmd_tpl command_template, cmd_t command_topic, stat_t state_topic, val_tpl value_template
rgbw rgbw: cmd_tpl command_template, cmd_t command_topic, stat_t state_topic, val_tpl value_template
rgbww rgbww: cmd_tpl command_template, cmd_t command_topic, stat_t state_topic, val_tpl value_template
send_cmd send_command: t topic
set_fan_spd set_fan_speed: t topic
set_pos set_position: tpl template, t topic
spd speed: cmd_t command_topic, stat_t state_topic, rng_min range_min, rng_max range_max, val_tpl value_template
stat state: cla class, clsd closed, closing closing, jam jammed, locked locked, locking locking, off off, on on, open open, opening opening, stopped stopped, t topic, tpl template, unlocked unlocked, unlocking unlocking, val_tpl value_template
strt_mw start_mowing: cmd_t command_topic, cmd_tpl command_template
sup support: dur duration, vol volume_set
sup supported: feat features, clrm color_modes
swing_h_mode swing_horizontal_mode: cmd_tpl command_template, cmd_t command_topic, stat_tpl state_template, stat_t state_topic
swing_mode swing_mode: cmd_tpl command_template, cmd_t command_topic, stat_tpl state_template, stat_t state_topic
temp temperature: cmd_tpl command_template, cmd_t command_topic, stat_tpl state_template, stat_t state_topic, unit unit
temp_hi temperature_high: cmd_tpl command_template, cmd_t command_topic, stat_tpl state_template, stat_t state_topic
temp_lo temperature_low: cmd_tpl command_template, cmd_t command_topic, stat_tpl state_template, stat_t state_topic
tilt tilt: clsd_val closed_value, cmd_t command_topic, cmd_tpl command_template, inv_stat invert_state, opnd_val opened_value, opt optimistic, status_t status_topic, status_tpl status_template
url url: t topic, tpl template
whit white: cmd_t command_topic, scl scale
whit_val white_value: cmd_t command_topic, scl scale, stat_t state_topic, tpl template
xy xy: cmd_t command_topic, cmd_tpl command_template, stat_t state_topic, val_tpl value_template
"""
_SINGLES: Final = """
atype automation_type, av_tones available_tones, avty availability, b_tpl blue_template, clrm color_mode, cmp components, cmps components,
cont_type content_type, def_ent_id default_entity_id, dev device, dev_cla device_class, dsp_prc display_precision, e encoding, en enabled_by_default,
ent_cat entity_category, ent_pic entity_picture, evt_typ event_types, exp_aft expire_after, flsh flash, frc_upd force_update, fx_list effect_list,
g_tpl green_template, grp group, ic icon, init initial, json_attr json_attributes, max_hum max_humidity, max_k max_kelvin, max_mirs max_mireds,
migr_discvry migrate_discovery, min_hum min_humidity, min_k min_kelvin, min_mirs min_mireds, msg_exp_int message_expiry_interval, o origin,
obj_id object_id, off_dly off_delay, on_cmd_type on_command_type, ops options, opt optimistic, p platform, pl payload, pos reports_position,
pr_modes preset_modes, ptrn pattern, r_tpl red_template, ret retain, spds speeds, src_type source_type, stype subtype,
sug_dsp_prc suggested_display_precision, swing_h_modes swing_horizontal_modes, t topic, tit title, trns transition, tz timezone, uniq_id unique_id,
unit_of_meas unit_of_measurement, val_tpl value_template
"""


def _read_table() -> dict[str, str]:
    table = dict(pair.split() for pair in _SINGLES.replace("\n", " ").split(",") if pair.strip())
    for row in _FAMILIES.strip().splitlines():
        words, _, pairs = row.partition(":")
        short, long = words.split()
        for pair in pairs.split(","):
            short_end, long_end = pair.split()
            table[f"{short}_{short_end}"] = f"{long}_{long_end}"
    return table


KEYS: Final[Mapping[str, str]] = _read_table()
DEVICE_KEYS: Final[Mapping[str, str]] = {
    "cns": "connections",
    "cu": "configuration_url",
    "hw": "hw_version",
    "ids": "identifiers",
    "mdl": "model",
    "mdl_id": "model_id",
    "mf": "manufacturer",
    "sa": "suggested_area",
    "sn": "serial_number",
    "sw": "sw_version",
}
ORIGIN_KEYS: Final[Mapping[str, str]] = {"sw": "sw_version", "url": "support_url"}


def expand(config: JsonObject) -> dict[str, JsonValue]:
    """The same configuration with long keys and whole topics."""
    long = _lengthen(config, KEYS)
    for key, table in (("device", DEVICE_KEYS), ("origin", ORIGIN_KEYS)):
        block = long.get(key)
        if isinstance(block, Mapping):
            long[key] = _lengthen(block, table)
    availability = long.get("availability")
    if isinstance(availability, Mapping):
        long["availability"] = [_lengthen(availability, KEYS)]
    elif isinstance(availability, list):
        long["availability"] = [
            _lengthen(entry, KEYS) if isinstance(entry, Mapping) else entry for entry in availability
        ]
    return long


def fill_base(config: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Puts the base topic in the place of a `~` at the beginning or end of each topic."""
    base = config.pop(BASE, None)
    if not isinstance(base, str):
        return config
    for key, value in config.items():
        if key.endswith("topic") and isinstance(value, str):
            config[key] = _fill(value, base)
    availability = config.get("availability")
    if isinstance(availability, list):
        for entry in availability:
            if isinstance(entry, dict) and isinstance(entry.get("topic"), str):
                entry["topic"] = _fill(entry["topic"], base)
    return config


def _fill(topic: str, base: str) -> str:
    if topic.startswith(BASE):
        topic = base + topic[1:]
    if topic.endswith(BASE):
        topic = topic[:-1] + base
    return topic


def _lengthen(config: JsonObject, table: Mapping[str, str]) -> dict[str, JsonValue]:
    """A long key beats its short form where both are given."""
    long = {table[key]: value for key, value in config.items() if key in table}
    return long | {key: value for key, value in config.items() if key not in table}
