"""What a set of entities is, in the central schema's words; colours and units between dialects."""

import pytest
from hypothesis import given, strategies as st

from hub_agent.drivers.colour_names import RGB_BY_NAME, rgb_of_name
from hub_agent.drivers.colours import hs_of_rgb, rgb_of_hs, rgb_of_xy, xy_of_kelvin, xy_of_rgb
from hub_agent.drivers.vocabulary import device_type_of, kelvin_of, mireds_of, slug
from hub_agent.model.device import AdvertisedEntity, DeviceType


def entity(facet: str, name: str | None = None, category: str | None = None) -> AdvertisedEntity:
    domain, _, device_class = facet.partition("/")
    return AdvertisedEntity(facet, domain, name, device_class=device_class or None, category=category)


@pytest.mark.parametrize(
    "facets, words, device_type",
    [
        (["light"], "", DeviceType.LIGHT),
        (["light", "switch"], "Ceiling fan with light", DeviceType.LIGHT),
        (["switch", "sensor/power"], "Smart plug", DeviceType.PLUG),
        (["switch"], "Wall switch", DeviceType.SWITCH),
        (["switch/outlet"], "", DeviceType.PLUG),
        (["cover"], "Curtain", DeviceType.BLIND),
        (["cover"], "Garage door opener", DeviceType.GARAGE_DOOR),
        (["climate"], "Radiator valve", DeviceType.THERMOSTAT),
        (["climate"], "Air conditioner", DeviceType.HVAC),
        (["binary_sensor/motion", "sensor/temperature"], "", DeviceType.SENSOR_MOTION),
        (["binary_sensor/smoke", "sensor/temperature"], "", DeviceType.SENSOR_SMOKE),
        (["binary_sensor/moisture"], "", DeviceType.SENSOR_LEAK),
        (["sensor/temperature", "sensor/humidity"], "", DeviceType.SENSOR_TEMPERATURE),
        (["sensor/humidity"], "", DeviceType.SENSOR_HUMIDITY),
        (["event"], "Doorbell button", DeviceType.DOORBELL),
        (["event"], "Remote", DeviceType.OTHER),
        ([], "Range extender", DeviceType.ROUTER),
        ([], "", DeviceType.OTHER),
    ],
)
def test_a_devices_type_is_what_it_mainly_does(facets: list[str], words: str, device_type: DeviceType) -> None:
    assert device_type_of([entity(facet) for facet in facets], words) is device_type


def test_settings_and_diagnostics_do_not_make_a_devices_type() -> None:
    assert (
        device_type_of([entity("switch", "LED", "config"), entity("binary_sensor/motion", "Motion")])
        is DeviceType.SENSOR_MOTION
    )
    assert device_type_of([entity("sensor/temperature", "Chip", "diagnostic")]) is DeviceType.OTHER


def test_the_unnamed_entity_is_the_main_function() -> None:
    assert device_type_of([entity("light", "Status LED"), entity("switch")]) is DeviceType.SWITCH


@given(st.integers(min_value=100, max_value=600))
def test_mireds_come_back_from_kelvin(mireds: int) -> None:
    assert mireds_of(kelvin_of(mireds)) == mireds


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_a_colour_survives_hue_and_saturation_but_for_its_brightness(red: int, green: int, blue: int) -> None:
    brightest = max(red, green, blue)
    if brightest:
        wanted = [value * 255 / brightest for value in (red, green, blue)]
        seen = rgb_of_hs(*hs_of_rgb(red, green, blue))
        assert all(abs(a - b) <= 1 for a, b in zip(wanted, seen, strict=True))


@pytest.mark.parametrize("name", ["red", "green", "blue", "white", "orange", "hotpink", "teal"])
def test_a_colour_survives_xy_but_for_its_brightness(name: str) -> None:
    rgb = RGB_BY_NAME[name]
    wanted = [value * 255 / max(rgb) for value in rgb]
    assert all(abs(a - b) <= 3 for a, b in zip(wanted, rgb_of_xy(*xy_of_rgb(*rgb)), strict=True))


@given(st.floats(500, 50_000))
def test_every_temperature_has_a_place_among_the_colours(kelvin: float) -> None:
    assert all(0 < value < 1 for value in xy_of_kelvin(kelvin))


def test_colours_have_names_and_other_words_have_no_colour() -> None:
    assert rgb_of_name("Dark Orange") == (255, 140, 0)
    assert rgb_of_name("ultrablue") is None
    assert len(RGB_BY_NAME) > 140


@pytest.mark.parametrize(
    "text, word", [("Küche (oben)", "kuche_oben"), ("Straße", "strasse"), ("CO2 ", "co2"), ("", "")]
)
def test_slugs_are_plain(text: str, word: str) -> None:
    assert slug(text) == word
