"""Devices that are commanded and never say what became of it: what was commanded is taken for done, and marked as assumed."""

from hub_agent.model.device import AdvertisedEntity, Capability, Origin
from hub_agent.model.effects import AppendRecord, Effect, SendCommand
from hub_agent.model.ids import EntityId
from hub_agent.model.inputs import CommandSent
from hub_agent.model.report import AvailabilityReported, EntityReport, Reported
from tests.unit.core.test_hub import Living, calling, lamp, sent

MUTE = {"on": Capability("bool", "w"), "brightness": Capability("int", "w", unit="%")}


def home_with(domain: str = "light", capabilities: dict[str, Capability] | None = None) -> Living:
    home = Living()
    home.tell(lamp("Mute", domain, entities=(AdvertisedEntity("main", domain, capabilities=capabilities or MUTE),)))
    return home


def told(home: Living, action: str, entity_id: str, **data: int) -> list[Effect]:
    """The command is sent, and nothing more is heard of it."""
    effects = home.tell(calling(action, entity_id, **data))
    commands = [each.command.id for each in effects if isinstance(each, SendCommand)]
    return [*effects, *home.tell(*map(CommandSent, commands))]


def test_a_lamp_without_a_voice_is_on_once_it_was_told_to_be() -> None:
    home = home_with()
    effects = told(home, "light.turn_on", "light.mute", brightness=100)

    assert sent(effects) == [("light.mute", "light.turn_on")]
    state = home.hub.states.state(EntityId("light.mute"))
    assert state is not None
    assert (state.state, state.attributes["brightness"], state.attributes["assumed_state"]) == ("on", 100, True)
    (row,) = [each.row for each in effects if isinstance(each, AppendRecord) and each.stream == "device_states"]
    assert row["change_source"] == "manual"


def test_a_cover_without_a_voice_is_open_and_not_on_its_way() -> None:
    home = home_with("cover", {"open": Capability("bool", "w")})
    told(home, "cover.open_cover", "cover.mute")
    assert home.state("cover.mute") == "open"


def test_a_lamp_that_says_its_state_is_not_assumed_to_obey() -> None:
    home = home_with(capabilities={"on": Capability("bool", "rw")})
    told(home, "light.turn_on", "light.mute")
    assert home.state("light.mute") == "unknown"


def test_what_the_device_says_after_all_counts() -> None:
    home = home_with()
    told(home, "light.turn_on", "light.mute")
    home.tell(Reported(Origin("zigbee2mqtt", "Mute"), (EntityReport("main", "off"),)))
    assert home.state("light.mute") == "off"


def test_a_lamp_that_is_away_stays_away() -> None:
    home = home_with()
    home.tell(AvailabilityReported(Origin("zigbee2mqtt", "Mute"), is_available=False))
    told(home, "light.turn_on", "light.mute")
    assert home.state("light.mute") == "unavailable"


def test_a_button_has_nothing_to_assume() -> None:
    home = home_with("button", {"press": Capability("bool", "w")})
    told(home, "button.press", "button.mute")
    assert home.state("button.mute") == "unknown"
