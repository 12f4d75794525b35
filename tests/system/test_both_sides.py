"""Agent, gateway and PostgreSQL: what people change on the hub and in the cloud is the same on both sides in the end, and both say what became of it."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from cloud_schema.apply import apply, seed as seed_catalogue
from hub_agent.cli.link import Link
from hub_agent.model.definition import Definition
from tests.cloud.servers import running_postgres
from tests.fakes.broker import EmbeddedBroker
from tests.fakes.tcp_proxy import GOOD, TcpProxy, Ways
from tests.system.conftest import SECRET, Cloud, Hub, LampBoard, Powered, publish_to, scene, wait_for

pytestmark = pytest.mark.heavy

HELD_S = 25.0


def numbered(number: int, name: str, **states: str) -> Definition:
    """Each test has scenes of its own."""
    return scene(name, f"5cee0000-0000-4000-8000-0000000000{number:02}", **states)


EVENING = numbered(1, "Evening", lamp_1="on")
NIGHT = numbered(2, "Night", lamp_1="on")
MOVIE = numbered(3, "Movie", lamp_1="on")
LUNCH = numbered(4, "Lunch", lamp_1="on")
PARTY = numbered(5, "Party", lamp_3="on")
LATE = numbered(6, "Late", lamp_2="on")
GUESTS = numbered(7, "Guests", lamp_1="on")
BATH = numbered(8, "Bath", lamp_1="on")
SCENES = (EVENING, NIGHT, MOVIE, LUNCH, PARTY, LATE, GUESTS, BATH)


@dataclass(frozen=True)
class BothSides:
    hub: Hub
    cloud: Cloud
    proxy: TcpProxy
    broker: EmbeddedBroker
    board: LampBoard
    home_id: str

    @property
    def link(self) -> Link:
        return Link(str(self.hub.socket))

    def edit_here(self, one: Definition, **body: Any) -> None:
        self.link.patch(f"scenes/{one.id}", body)

    def want_here(self, one: Definition, **states: str) -> None:
        self.edit_here(one, desired={f"light.{lamp}": {"state": state} for lamp, state in states.items()})

    def edit_there(self, one: Definition, **columns: Any) -> None:
        self.cloud.update("scenes", one.id, columns)

    def want_there(self, one: Definition, **states: str) -> None:
        self.edit_there(one, device_states=scene("", **states).fields["device_states"])

    def here(self, one: Definition) -> dict[str, Any]:
        return dict(self.hub.get(f"definitions/scene/{one.id}")["fields"])

    def there(self, one: Definition) -> dict[str, Any]:
        return dict(self.cloud.rows(f"SELECT to_jsonb(s) FROM scenes s WHERE id = '{one.id}'")[0][0])

    def wish(self, fields: dict[str, Any]) -> dict[str, str]:
        """Which state the scene wants of each entity."""
        return {
            entity: wanted["state"] if isinstance(wanted, dict) else wanted
            for each in fields["device_states"]
            for entity, wanted in each["desired_state"].items()
        }

    def told(self, one: Definition) -> tuple[str, dict[str, Any]]:
        """What the row of ecosystem_sync_status says of it."""
        status, metadata = self.cloud.rows(
            f"SELECT sync_status, coalesce(metadata, '{{}}') FROM ecosystem_sync_status WHERE entity_id = '{one.id}'"
        )[0]
        return status, metadata

    def wait_for_status(self, one: Definition, status: str) -> dict[str, Any]:
        self.hub.wait(lambda: self.told(one)[0] == status, 30)
        return self.told(one)[1]

    def call(self, function: str, **request: Any) -> dict[str, Any]:
        """As the operator's own programs do, through the gateway."""
        token = jwt.encode({"role": "service_role", "exp": int(time.time()) + 600}, SECRET, algorithm="HS256")
        answer = httpx.post(
            f"{self.cloud.url}/rpc/{function}",
            json={"request": {"home_id": self.home_id, **request}},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def command(self, command_id: str) -> tuple[str, dict[str, Any]]:
        return self.cloud.rows(f"SELECT status, result FROM hub_commands WHERE id = '{command_id}'")[0]  # type: ignore[return-value]

    def apart(self) -> None:
        self.cloud.stop()

    def together(self) -> None:
        self.cloud.start()
        self.hub.wait(lambda: self.hub.get("sync")["is_online"], 60)

    def disagree(self, one: Definition) -> None:
        """The hub wants lamp 1 off, the cloud lamp 2 on."""
        self.proxy.become(Ways(is_cut=True))
        self.want_here(one, lamp_1="off")
        self.want_there(one, lamp_1="on", lamp_2="on")
        self.proxy.become(GOOD)
        self.wait_for_status(one, "conflict")
        self.hub.wait(lambda: one.id in {each["id"] for each in self.hub.get("sync/conflicts")})


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BothSides]:
    folder: Path = tmp_path_factory.mktemp("both")
    board = LampBoard()
    broker = EmbeddedBroker(folder).start()
    powered = Powered(broker.port, board)
    hub = Hub(folder, broker.port)
    with running_postgres() as dsn:
        apply(dsn, lambda _line: None)
        seed_catalogue(dsn, lambda _line: None)
        cloud = Cloud(dsn, folder)
        cloud.start()
        proxy = TcpProxy(cloud.port, 1).start()
        try:
            code = cloud.found_home(*SCENES)
            hub.settings["cloud"] = {"url": f"http://127.0.0.1:{proxy.port}", "claim_code": code}
            hub.start()
            hub.wait(lambda: len(hub.get("scenes")) == len(SCENES) and len(hub.states()) > len(board.names), 60)
            hub.wait(lambda: hub.get("sync")["is_online"], 60)
            home_id = hub.get("sync")["home_id"]
            yield BothSides(hub, cloud, proxy, broker, board, home_id)
            assert "Traceback" not in hub.log()
            assert hub.stop() == 0
        finally:
            hub.close()
            proxy.stop()
            cloud.stop()
            powered.off()
            broker.stop()


def test_two_fields_of_a_scene_changed_apart_hold_on_both_sides_and_of_the_same_field_the_value_that_gave_way_is_kept(
    both: BothSides,
) -> None:
    both.apart()
    both.edit_here(EVENING, icon="moon")
    both.edit_there(EVENING, description="when it gets dark")
    both.edit_here(NIGHT, name="Our night")
    both.edit_there(NIGHT, name="Their night")
    both.together()

    def has_both(fields: dict[str, Any]) -> bool:
        return (fields["icon"], fields["description"]) == ("moon", "when it gets dark")

    both.hub.wait(lambda: has_both(both.here(EVENING)) and has_both(both.there(EVENING)), 60)
    both.hub.wait(lambda: both.here(NIGHT)["name"] == "Their night" and "lost" in both.told(NIGHT)[1], 60)
    both.wait_for_status(EVENING, "synced")
    both.wait_for_status(NIGHT, "synced")
    assert both.there(NIGHT)["name"] == "Their night"
    lost_there = both.told(NIGHT)[1]["lost"]
    assert [(one["field"], one["of"], one["value"]) for one in lost_there] == [("name", "hub", "Our night")]
    lost_here = [one for one in both.hub.get("sync/lost") if one["definition_id"] == NIGHT.id]
    assert [(one["field"], one["of"], one["value"]) for one in lost_here] == [("name", "hub", "Our night")]
    shown = both.hub.cli("sync", "lost").stdout
    assert "Their night: name, as the hub had it" in shown
    assert "Our night" in shown


def test_wishes_of_both_sides_wait_with_both_values_and_a_decision_in_the_cloud_reaches_the_hub(
    both: BothSides,
) -> None:
    both.disagree(MOVIE)

    waits = both.told(MOVIE)[1]["conflict"]["fields"]["device_states"]
    ours, theirs = {"light.lamp_1": "off"}, {"light.lamp_1": "on", "light.lamp_2": "on"}
    assert both.wish({"device_states": waits["hub"]}) == ours
    assert both.wish({"device_states": waits["cloud"]}) == theirs
    assert both.wish(both.here(MOVIE)) == ours
    shown = both.hub.cli("sync", "conflicts").stdout
    assert "Movie" in shown
    assert "Movie" in both.hub.cli("sync", "status").stdout

    decided = both.call("hub_decide_conflict_v1", entity_type="scene", id=MOVIE.id, **{"for": "cloud"})
    assert decided["decided"] == {"device_states": "cloud"}
    both.hub.wait(lambda: both.wish(both.here(MOVIE)) == theirs)
    both.wait_for_status(MOVIE, "synced")
    assert both.hub.get("sync/conflicts") == []
    assert [one["of"] for one in both.hub.get("sync/lost") if one["definition_id"] == MOVIE.id] == ["hub"]


def test_a_decision_on_the_hub_reaches_the_cloud(both: BothSides) -> None:
    both.disagree(LUNCH)

    done = both.hub.cli("sync", "decide", "Lunch", "hub")
    assert done.returncode == 0, done.stderr
    assert "as the hub has it" in done.stdout
    both.wait_for_status(LUNCH, "synced")
    assert both.wish(both.here(LUNCH)) == both.wish(both.there(LUNCH)) == {"light.lamp_1": "off"}
    assert "conflict" not in both.told(LUNCH)[1]
    assert [one["of"] for one in both.told(LUNCH)[1]["lost"]] == ["cloud"]


def test_a_scene_pressed_away_from_home_reaches_the_lamps_within_a_moment(both: BothSides) -> None:
    begun = len(both.board.told)
    pressed = both.call("hub_command_v1", kind="scene.activate", payload={"scene_id": PARTY.id}, expires_in_s=60)
    wait_for(lambda: ("lamp_3", "ON") in [each[1:] for each in both.board.told[begun:]], told=both.hub.log)
    wait_for(lambda: both.command(pressed["id"])[0] == "done", told=lambda: str(both.command(pressed["id"])))
    assert both.command(pressed["id"])[1]["result"]["status"] == "success"
    stored = f"SELECT count(*) FROM scene_activations WHERE scene_id = '{PARTY.id}'"
    wait_for(lambda: both.cloud.rows(stored) == [(1,)])


def test_a_scene_that_was_pressed_too_long_ago_is_not_pressed_and_both_sides_say_so(both: BothSides) -> None:
    both.edit_there(LATE, description="late at night")
    both.wait_for_status(LATE, "synced")  # by the question that is held open now
    on_its_way: list[str] = []
    # Where the hub happens to ask anew just then, the cloud itself notices first that it is too late.
    while "had expired" not in both.hub.log():
        assert len(on_its_way) < 5
        both.proxy.become(Ways(least_s=1.5))
        sent = both.call("hub_command_v1", kind="scene.activate", payload={"scene_id": LATE.id}, expires_in_s=1)
        on_its_way.append(sent["id"])
        both.hub.wait(lambda: both.command(on_its_way[-1])[0] == "expired" or "had expired" in both.hub.log(), 60)
        both.proxy.become(GOOD)
        wait_for(lambda: both.command(on_its_way[-1])[0] == "expired", 60, both.hub.log)
    both.proxy.become(Ways(is_cut=True))
    never_asked_for = both.call("hub_command_v1", kind="scene.activate", payload={"scene_id": LATE.id}, expires_in_s=1)
    expired = f"SELECT expires_at <= now() FROM hub_commands WHERE id = '{never_asked_for['id']}'"
    wait_for(lambda: both.cloud.rows(expired) == [(True,)])
    both.proxy.become(GOOD)
    wait_for(lambda: both.command(never_asked_for["id"])[0] == "expired", 60, both.hub.log)
    # Which of the two reasons depends on whether the cloud had noticed already that nobody was there any more.
    assert both.command(never_asked_for["id"])[1]["error"] in {
        "it expired before the hub asked for it",
        "it went out to the hub, which has not said what became of it",
    }
    assert both.board.commands_to("lamp_2") == []


def test_what_an_operator_wants_read_anew_is_read_at_once(both: BothSides) -> None:
    """A row was changed behind the link's back: only reading everything brings it."""
    both.hub.wait(lambda: both.hub.get("sync")["is_online"], 60)
    with both.cloud.behind_the_link() as connection:
        connection.execute("UPDATE scenes SET name = 'For guests' WHERE id = %s", (GUESTS.id,))
        connection.execute(
            "UPDATE hub_definition_versions SET version = version + 1 WHERE entity_id = %s", (GUESTS.id,)
        )
    asked = both.call("hub_command_v1", kind="resync", expires_in_s=60)
    both.hub.wait(lambda: both.here(GUESTS)["name"] == "For guests", HELD_S / 3)
    wait_for(lambda: both.command(asked["id"])[0] == "done", told=lambda: str(both.command(asked["id"])))


def test_an_edit_that_is_undone_is_undone_in_the_cloud(both: BothSides) -> None:
    both.edit_here(BATH, name="Bathroom")
    both.hub.wait(lambda: both.there(BATH)["name"] == "Bathroom")
    undone = both.hub.cli("definitions", "undo", "scene", "Bathroom")
    assert undone.returncode == 0, undone.stderr
    both.hub.wait(lambda: both.there(BATH)["name"] == "Bath")
    both.wait_for_status(BATH, "synced")


def test_rows_that_the_cloud_lost_or_that_were_changed_there_come_back_by_verifying(both: BothSides) -> None:
    for number in range(4):
        publish_to(both.broker.port, "lamps/motion", "OFF" if number % 2 else "ON")
        both.hub.wait_for_state("binary_sensor.hall_motion", "off" if number % 2 else "on")
    moved = "SELECT count(*) FROM device_states WHERE jsonb_exists(state, 'binary_sensor.hall_motion')"
    both.hub.wait(lambda: both.cloud.rows(moved)[0][0] >= 5, 30)
    both.hub.wait(lambda: both.hub.get("sync")["waiting"] == 0, 30)
    query = "SELECT id, device_id, created_at, state, change_source FROM device_states ORDER BY created_at, id"
    before = both.cloud.rows(query)
    with both.cloud.behind_the_link() as connection:
        for lost in before[-4:-2]:
            connection.execute("DELETE FROM device_states WHERE id = %s", (lost[0],))
        connection.execute("UPDATE device_states SET change_source = 'manual' WHERE id = %s", (before[-2][0],))

    done = both.hub.cli("sync", "verify", "--json")
    report = json.loads(done.stdout)
    found = {each["stream"]: each for each in report["streams"]}["device_states"]
    assert (done.returncode, found["missing"], found["repaired"], found["still"]) == (0, 3, 3, 0), done.stdout
    assert both.cloud.rows(query) == before
    assert (report["definitions_newer_there"], report["definitions_forgotten_there"]) == (0, 0)
    assert both.hub.cli("sync", "verify").returncode == 0
