"""The doctor, with and without an agent, and with everything broken that can be."""

import json
import socket
import sqlite3
from contextlib import closing, contextmanager

import pytest

from tests.fakes.door import FakeDoor


@contextmanager
def listening():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def free_port() -> int:
    with listening() as port:
        return port


@pytest.fixture
def ports(monkeypatch):
    """Nobody at the broker's and the page's ports, unless a test puts somebody there."""
    monkeypatch.setenv("NEXA_MQTT_PORT", str(free_port()))
    monkeypatch.setenv("NEXA_WEB_PORT", str(free_port()))


@pytest.fixture
def examine(nexa, home, ports):
    """Findings by their check, and the exit code."""

    def examine():
        said = nexa("doctor", "--json")
        return {finding["check"]: finding for finding in said.json()}, said.code

    return examine


def test_without_an_agent_it_examines_what_it_can(examine, home) -> None:
    findings, code = examine()
    assert findings["agent"]["verdict"] == "warn"
    assert findings["agent"]["todo"] == "systemctl start nexa-hub"
    assert findings["mirror"]["verdict"] == "skip"
    assert findings["broker"]["verdict"] == "fail"
    assert "mosquitto" in findings["broker"]["todo"]
    assert findings["page"]["verdict"] == "ok"
    assert findings["cloud"]["verdict"] == "skip"
    assert code == 1


def test_with_everything_well_it_ends_with_zero(examine, door: FakeDoor, home, monkeypatch) -> None:
    with listening() as page, closing(sqlite3.connect(home / "mirror.db")) as mirror:
        monkeypatch.setenv("NEXA_WEB_PORT", str(page))
        mirror.execute("CREATE TABLE t (x)")
        findings, code = examine()
    assert {
        name: finding["verdict"] for name, finding in findings.items() if finding["verdict"] not in {"ok", "skip"}
    } == {}
    assert code == 0
    assert {
        "python",
        "settings",
        "agent",
        "state",
        "mirror",
        "disk",
        "broker",
        "page",
        "clock",
        "messages",
    } <= findings.keys()


def test_text_says_what_to_do(nexa, home, ports) -> None:
    said = nexa("doctor")
    assert "FAIL  broker     nobody listens" in said.out
    assert "-> systemctl status mosquitto" in said.out


def test_settings_that_are_broken_are_the_finding(examine, home) -> None:
    (home / "hub.toml").write_text("[web]\nprot = 1\n")
    findings, code = examine()
    assert findings["settings"]["verdict"] == "fail"
    assert "Did you mean 'port'?" in findings["settings"]["text"]
    assert code == 1


@pytest.mark.parametrize(
    "content", [b"this is no database, this is a letter to my aunt" * 100, b"SQLite format 3\x00" + b"\xff" * 5000]
)
def test_a_mirror_that_is_no_database_is_told(examine, home, content) -> None:
    (home / "mirror.db").write_bytes(content)
    findings, code = examine()
    assert findings["mirror"]["verdict"] == "fail"
    assert "salvage" in findings["mirror"]["todo"]
    assert code == 1


def test_a_page_of_a_mirror_that_is_broken_is_told(examine, home) -> None:
    with closing(sqlite3.connect(home / "mirror.db")) as mirror:
        mirror.execute("CREATE TABLE t (x)")
        mirror.executemany("INSERT INTO t VALUES (?)", [("x" * 500,) for _ in range(200)])
        mirror.commit()
    content = bytearray((home / "mirror.db").read_bytes())
    content[4096 * 3 : 4096 * 3 + 400] = b"\xff" * 400
    (home / "mirror.db").write_bytes(content)
    assert examine()[0]["mirror"]["verdict"] == "fail"


def test_looking_leaves_the_mirror_as_it_was(examine, home) -> None:
    with closing(sqlite3.connect(home / "mirror.db")) as mirror:
        mirror.execute("PRAGMA journal_mode=WAL")
        mirror.execute("CREATE TABLE t (x)")
    before = (home / "mirror.db").read_bytes()
    assert examine()[0]["mirror"]["verdict"] == "ok"
    assert (home / "mirror.db").read_bytes() == before


def test_a_port_that_somebody_else_has_is_told(examine, monkeypatch) -> None:
    with listening() as port:
        monkeypatch.setenv("NEXA_WEB_PORT", str(port))
        page = examine()[0]["page"]
    assert page["verdict"] == "fail"
    assert f"port {port} is taken" in page["text"]
    assert "web.port" in page["todo"]


def test_a_page_that_the_agent_does_not_serve_is_told(examine, door) -> None:
    assert examine()[0]["page"]["verdict"] == "fail"


def test_an_agent_that_a_broker_turns_away_is_told(examine, door, monkeypatch) -> None:
    door.is_broker_connected = False
    with listening() as port:
        monkeypatch.setenv("NEXA_MQTT_PORT", str(port))
        broker = examine()[0]["broker"]
    assert broker["verdict"] == "fail"
    assert "mqtt.password_file" in broker["todo"]


def test_messages_that_nobody_understood_are_listed(examine, nexa, door) -> None:
    door.rejected_now = [
        {
            "dialect": "zigbee2mqtt",
            "topic": f"z/{n}",
            "code": "not_json",
            "reason": "no JSON",
            "count": n,
            "last_at": "2026-06-01T12:00:00+00:00",
        }
        for n in range(1, 31)
    ]
    findings, _ = examine()
    assert findings["messages"]["verdict"] == "warn"
    said = nexa("doctor")
    assert "1 x z/1: no JSON (zigbee2mqtt: not_json)" in said.out
    assert "10 more" in said.out


def test_open_issues_are_pointed_to(examine, door) -> None:
    door.issues_now = [
        {
            "code": "x",
            "severity": "warning",
            "title": "x",
            "text": "x",
            "subject": "x",
            "since": "2026-06-01T12:00:00+00:00",
        }
    ]
    agent = examine()[0]["agent"]
    assert (agent["verdict"], agent["todo"]) == ("warn", "nexa-hub issues")


def test_a_cloud_that_does_not_answer_is_told_without_an_agent(examine, monkeypatch) -> None:
    monkeypatch.setenv("NEXA_CLOUD_URL", f"http://127.0.0.1:{free_port()}")
    cloud = examine()[0]["cloud"]
    assert (cloud["verdict"], cloud["todo"]) == ("warn", "The home goes on without it")


def test_a_cloud_that_would_be_spoken_to_in_the_open_is_told_before_the_agent_refuses_to_start(
    examine, monkeypatch
) -> None:
    monkeypatch.setenv("NEXA_CLOUD_URL", "http://hub.example.com")
    cloud = examine()[0]["cloud"]
    assert (cloud["verdict"], "Use https://." in cloud["text"]) == ("fail", True)


def test_a_cloud_that_is_away_is_told_by_the_agent(examine, door, monkeypatch) -> None:
    monkeypatch.setenv("NEXA_CLOUD_URL", "https://cloud.example")
    door.is_online = False
    cloud = examine()[0]["cloud"]
    assert (cloud["verdict"], cloud["text"]) == ("warn", "Offline: 7 records wait.")


def test_a_state_directory_that_is_not_there_yet_is_no_fault(examine, home, monkeypatch) -> None:
    monkeypatch.setenv("NEXA_AGENT_STATE_DIR", str(home / "none" / "yet"))
    findings, _ = examine()
    assert (findings["state"]["verdict"], findings["disk"]["verdict"]) != ("fail", "fail")


@pytest.fixture
def listens_at(monkeypatch):
    """Nothing of a test leaves the machine."""

    def listens_at(interface: str) -> None:
        monkeypatch.setenv("NEXA_DISCOVERY_MDNS", "true")
        monkeypatch.setenv("NEXA_DISCOVERY_INTERFACES", interface)

    return listens_at


def test_whether_mdns_works_is_said(examine, listens_at, monkeypatch) -> None:
    listens_at("lo")
    findings, _ = examine()
    assert (findings["discovery"]["verdict"], findings["discovery"]["text"]) == ("ok", "mDNS works at 127.0.0.1")

    listens_at("no-such-cable")
    findings, _ = examine()
    assert findings["discovery"]["verdict"] == "warn"
    assert "no network of the home" in findings["discovery"]["text"]
    assert "discovery.interfaces" in findings["discovery"]["todo"]

    monkeypatch.setenv("NEXA_DISCOVERY_MDNS", "false")
    assert examine()[0]["discovery"]["verdict"] == "skip"


def test_a_port_of_mdns_that_is_not_shared_is_told(examine, listens_at) -> None:
    listens_at("lo")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as greedy:
        try:
            greedy.bind(("", 5353))
        except OSError:
            pytest.skip("not run: something else listens to mDNS here")
        findings, _ = examine()

    assert findings["discovery"]["verdict"] == "warn"
    assert "not shared" in findings["discovery"]["text"]


def test_the_libraries_of_dialects_are_looked_for(examine) -> None:
    assert examine()[0]["dialects"]["verdict"] == "ok"


def test_every_library_that_a_link_needs_is_looked_for() -> None:
    from hub_agent.adapters.links.registry import LINKINGS
    from hub_agent.cli import doctor

    assert {place.extra for place in LINKINGS.values() if place.extra} <= set(doctor._LIBRARIES)


def test_an_upgrade_that_was_taken_back_is_told_until_the_next_one(examine, tmp_path, monkeypatch) -> None:
    assert examine()[0]["upgrade"]["verdict"] == "skip"
    monkeypatch.setattr("sys.prefix", str(tmp_path / "1.0.0-1"))
    told = {"from": "1.0.0-1", "to": "1.1.0-2", "runs": "1.0.0-1", "at": "2026-11-23T14:00:00Z", "was_asked_for": False}
    ended = tmp_path / "last-upgrade.json"

    ended.write_text(json.dumps({**told, "is_well": False, "reason": "its service failed"}))
    found = examine()[0]["upgrade"]
    assert found["verdict"] == "warn"
    assert found["text"].startswith("version 1.1.0-2 was not well and 1.0.0-1 came back")
    assert found["text"].endswith("its service failed")

    ended.write_text(json.dumps({**told, "runs": "1.1.0-2", "is_well": True, "reason": ""}))
    assert examine()[0]["upgrade"]["verdict"] == "ok"
