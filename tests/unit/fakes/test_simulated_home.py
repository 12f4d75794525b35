"""The simulated home behaves as the real programs do, under virtual time."""

import json
from datetime import UTC, datetime, timedelta

from hub_agent.model.report import Publication
from tests.fakes.home.home import SimulatedHome, is_match
from tests.fakes.home.zigbee import FAILING_LAMP

EVENING = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
ANSWER = timedelta(milliseconds=50)


def _home(seed: int = 1) -> SimulatedHome:
    home = SimulatedHome(seed)
    home.start(EVENING)
    return home


def _live(home: SimulatedHome, until: datetime) -> list[Publication]:
    said = []
    while (timer := home.get_timer()) is not None and timer <= until:
        said += home.handle_timer(timer)
    return said


def _states(said: list[Publication], topic: str) -> list[dict]:
    return [json.loads(each.payload) for each in said if each.topic == topic]


def test_a_lamp_told_to_turn_on_reports_after_a_moment_that_it_is_on() -> None:
    home = _home()
    _live(home, EVENING + timedelta(seconds=10))
    now = EVENING + timedelta(seconds=10)

    assert home.handle("zigbee2mqtt/Living Room Lamp/set", b'{"state": "ON", "brightness": 100}', now) == []
    [state] = _states(_live(home, now + ANSWER), "zigbee2mqtt/Living Room Lamp")

    assert (state["state"], state["brightness"]) == ("ON", 100)
    assert state["color_temp"] == 300, "the report is the whole state"


def test_a_question_is_answered_with_the_state() -> None:
    home = _home()
    _live(home, EVENING + timedelta(seconds=10))
    now = EVENING + timedelta(seconds=10)

    home.handle("zigbee2mqtt/Kitchen Ceiling/get", b'{"state": ""}', now)

    assert len(_states(_live(home, now + ANSWER), "zigbee2mqtt/Kitchen Ceiling")) == 1


def test_a_colour_is_reported_in_both_spellings_with_the_mode_it_was_set_in() -> None:
    home = _home()
    _live(home, EVENING + timedelta(seconds=10))
    now = EVENING + timedelta(seconds=10)

    home.handle("zigbee2mqtt/Living Room Lamp/set", b'{"color": {"hue": 240, "saturation": 100}}', now)
    [state] = _states(_live(home, now + ANSWER), "zigbee2mqtt/Living Room Lamp")

    assert state["color_mode"] == "hs"
    assert (state["color"]["hue"], state["color"]["saturation"]) == (240, 100)
    assert state["color"]["x"] < 0.2 > state["color"]["y"]


def test_a_blind_travels_and_can_be_stopped_on_the_way() -> None:
    home = _home()
    now = EVENING
    home.handle("zigbee2mqtt/Bedroom Blind/set", b'{"state": "CLOSE"}', now)
    seen = _states(_live(home, now + timedelta(seconds=4)), "zigbee2mqtt/Bedroom Blind")
    home.handle("zigbee2mqtt/Bedroom Blind/set", b'{"state": "STOP"}', now + timedelta(seconds=4))
    after = _states(_live(home, now + timedelta(seconds=30)), "zigbee2mqtt/Bedroom Blind")

    assert {state["moving"] for state in seen} == {"DOWN"}
    assert 0 < seen[-1]["position"] < 100
    assert {state["position"] for state in after} == {seen[-1]["position"]}


def test_the_bridge_keeps_its_devices_groups_and_availability_on_the_broker() -> None:
    retained = {said.topic: said.payload for said in SimulatedHome(1).start(EVENING) if said.retain}

    devices = json.loads(retained["zigbee2mqtt/bridge/devices"])
    assert devices[0]["type"] == "Coordinator"
    assert len(devices) == 16
    assert json.loads(retained["zigbee2mqtt/bridge/groups"])[0]["friendly_name"] == "Downstairs Lights"
    assert json.loads(retained["zigbee2mqtt/bridge/info"])["version"]
    assert json.loads(retained["zigbee2mqtt/Hall Lamp/availability"]) == {"state": "online"}


def test_every_state_of_a_device_fits_what_it_exposes() -> None:
    home = _home()
    said = _live(home, EVENING + timedelta(minutes=30))

    for device in home.bridge.devices.values():
        exposed = _properties(device.entry["definition"]["exposes"])
        heard = {key for state in _states(said, f"zigbee2mqtt/{device.name}") for key in state}
        assert heard & exposed, device.name


def test_all_devices_have_spoken_within_ten_seconds() -> None:
    home = _home()
    topics = {said.topic for said in _live(home, EVENING + timedelta(seconds=10))}

    assert {f"zigbee2mqtt/{name}" for name in home.bridge.devices} <= topics


def test_the_failing_lamp_is_brought_back_by_what_helps_its_illness() -> None:
    home = _home()
    lamp = home.bridge.devices[FAILING_LAMP]
    helped_by = {"dozing": f"zigbee2mqtt/{FAILING_LAMP}/get", "deaf": "configure", "gone": "configure"}
    now = EVENING
    courses = []
    while len(courses) < 3:
        now += timedelta(seconds=1)
        _live(home, now)
        if lamp.condition == "well":
            continue
        courses.append(lamp.condition)
        home.handle(f"zigbee2mqtt/{FAILING_LAMP}/set", b'{"state": "TOGGLE"}', now)
        heard = [
            each for each in _live(home, now + timedelta(seconds=5)) if each.topic == f"zigbee2mqtt/{FAILING_LAMP}"
        ]
        assert heard == []
        now += timedelta(seconds=5)
        if helped_by[lamp.condition] == "configure":
            home.handle("zigbee2mqtt/bridge/request/device/configure", json.dumps({"id": lamp.address}).encode(), now)
        else:
            home.handle(helped_by[lamp.condition], b'{"state": ""}', now)
        assert lamp.condition == "well"
        assert _states(_live(home, now + ANSWER), f"zigbee2mqtt/{FAILING_LAMP}")

    assert courses == ["dozing", "deaf", "gone"]


def test_a_lamp_that_nobody_helps_comes_back_by_itself_and_the_bridge_says_so() -> None:
    home = _home()
    said = [
        s for s in _live(home, EVENING + timedelta(hours=1)) if s.topic == f"zigbee2mqtt/{FAILING_LAMP}/availability"
    ]

    words = [json.loads(each.payload)["state"] for each in said]
    assert "offline" in words
    assert words[words.index("offline") + 1] == "online"


def test_configuring_answers_with_the_transaction_it_was_asked_with() -> None:
    home = _home()
    request = json.dumps({"id": home.bridge.devices[FAILING_LAMP].address, "transaction": "7"}).encode()

    said = home.handle("zigbee2mqtt/bridge/request/device/configure", request, EVENING)

    [answer] = _states(said, "zigbee2mqtt/bridge/response/device/configure")
    assert (answer["status"], answer["transaction"]) == ("ok", "7")


def test_a_shelly_answers_the_call_and_reports_the_new_state() -> None:
    home = _home()
    call = b'{"id": 1, "src": "home-assistant", "method": "Switch.Set", "params": {"id": 0, "on": true}}'

    said = home.handle("shellyplus1pm-c45bbe000001/rpc", call, EVENING)

    assert [each.topic for each in said] == ["home-assistant/rpc", "shellyplus1pm-c45bbe000001/status/switch:0"]
    assert json.loads(said[1].payload)["output"] is True


def test_each_shelly_has_an_address_and_a_name_of_its_own() -> None:
    configs = [
        json.loads(said.payload)
        for said in SimulatedHome(1).start(EVENING)
        if said.topic.startswith("homeassistant/")
        and said.topic.endswith("/config")
        and b'"mf": "Shelly' in said.payload
    ]
    names = {tuple(config["dev"]["ids"]): config["dev"]["name"] for config in configs}

    assert sorted(names.values()) == ["Cellar Flood", "Fridge", "Office", "Reading Lamp"]


def test_garbage_is_shrugged_off() -> None:
    home = _home()
    for topic in (
        "zigbee2mqtt/Bedroom Lamp/set",
        "zigbee2mqtt/Nobody/set",
        "shellyplus1pm-c45bbe000001/rpc",
        "garage/door/set",
    ):
        for payload in (b"", b"\xff", b"[1]", b'{"state": null, "method": {}}'):
            home.handle(topic, payload, EVENING)


def test_the_same_seed_gives_the_same_hour_and_another_seed_another_one() -> None:
    first, again, other = (_live(_home(seed), EVENING + timedelta(hours=1)) for seed in (7, 7, 8))

    assert first == again
    assert first != other


def test_filters_match_as_mqtt_says() -> None:
    assert is_match("zigbee2mqtt/+/set", "zigbee2mqtt/Living Room Lamp/set")
    assert is_match("a/#", "a/b/c")
    assert not is_match("zigbee2mqtt/+/set", "zigbee2mqtt/a/b/set")
    assert not is_match("a/b", "a")


def _properties(exposes: list[dict]) -> set[str]:
    found = set()
    for each in exposes:
        if "property" in each:
            found.add(each["property"])
        found |= _properties(each.get("features", []))
    return found
