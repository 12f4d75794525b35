"""The home is looked at, weaknesses begin and end, and nothing is told that is not so."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from hub_agent.core.security import Security, Ways
from hub_agent.core.security.dialects import SHELLY, TASMOTA, probe_of
from hub_agent.core.security.grade import grade_of
from hub_agent.core.security.known_issues import is_within, version_of
from hub_agent.model.definition import Definition
from hub_agent.model.effects import Answer, AppendCase, CallOutside, IssueCleared, IssueRaised, Save
from hub_agent.model.ids import DeviceId, HomeId
from hub_agent.model.security import AccessRefused, KnownIssues, Look, Page, Scanned, ScanWanted
from tests.fakes.secured_home import SecuredHome, thing

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SHELLYS = Path(__file__).parents[3] / "recorded/data/shelly"


class Watched:
    """The monitor of a home, with what it has kept."""

    def __init__(self, home: SecuredHome, **ways: Any) -> None:
        self.home, self.ways = home, Ways(**{"scans": True, **ways})
        self.ids = count(1)
        self.kept: dict[str, Any] = {}
        self.issues: dict[tuple[str, str], str] = {}
        self.rows: dict[str, dict[str, Any]] = {}
        self.asked: list[dict[str, Any]] = []
        self.answers: list[Any] = []
        self.now = NOON
        self.security = self.begin()

    def begin(self) -> Security:
        security = Security(self.home, HomeId("home"), self.ways, lambda: f"id-{next(self.ids)}")
        self.take(security.restore(dict(self.kept), self.now))
        return security

    def restart(self) -> None:
        self.issues = {}
        self.security = self.begin()

    def take(self, given: Any) -> list[Any]:
        for each in given:
            match each:
                case Save(_, key, None):
                    self.kept.pop(key, None)
                case Save(_, key, body):
                    self.kept[key] = json.loads(json.dumps(body))
                case IssueRaised(issue):
                    assert "unknown)" not in issue.text
                    self.issues[issue.code, issue.subject] = issue.text
                case IssueCleared(code, subject):
                    self.issues.pop((code, subject), None)
                case AppendCase(table, case_id, revision, row):
                    before = self.rows.get(case_id)
                    assert revision == (before["revision"] + 1 if before else 1), (table, revision)
                    self.rows[case_id] = {**row, "table": table, "revision": revision}
                case CallOutside(call):
                    self.asked.append(dict(call.data))
                case Answer(_, answer):
                    self.answers.append(answer)
        return list(given)

    def pass_time(self, length: timedelta) -> None:
        until = self.now + length
        while (due := self.security.get_timer()) is not None and due <= until:
            assert due > self.now or self.now == until or due <= self.now
            self.now = max(self.now, due)
            self.take(self.security.handle_timer(self.now))
            after = self.security.get_timer()
            assert after is None or after > self.now
        self.now = until

    def scan(self, *looks: Look, models: tuple[KnownIssues, ...] = (), error: str | None = None) -> None:
        self.take(self.security.take(ScanWanted("request", "Anna"), self.now))
        self.saw(*looks, models=models, error=error)

    def saw(self, *looks: Look, models: tuple[KnownIssues, ...] = (), error: str | None = None) -> None:
        scanned = Scanned(self.asked[-1]["scan_id"], looks, models, error)
        self.take(self.security.take(scanned, self.now))

    def of(self, table: str) -> list[dict[str, Any]]:
        return [row for row in self.rows.values() if row["table"] == table]

    def unresolved(self) -> list[str]:
        return [each.finding.kind for each in self.security.vulnerabilities.unresolved()]


def rule(**fields: Any) -> Definition:
    return Definition("network_access_rule", "rule", {"rule_name": "Rule", "rule_type": "deny", **fields})


# The look.


def test_only_addresses_of_the_home_are_looked_at_each_once_and_none_that_a_person_left_out() -> None:
    home = SecuredHome(thing("lamp"), thing("far"), thing("twin"), thing("freezer", skip=True), thing("here"))
    home.addresses |= {DeviceId("far"): ["93.184.216.34", "fe80::1%eth0"], DeviceId("here"): ["127.0.0.1"]}
    home.addresses[DeviceId("twin")] = home.addresses[DeviceId("lamp")]
    watched = Watched(home)
    watched.scan()
    targets = {each["key"]: each["address"] for each in watched.asked[0]["targets"]}
    assert targets == {"far": "fe80::1%eth0", "lamp": "192.168.1.10", "hub": None}
    assert all(len(each["ports"]) <= 10 for each in watched.asked[0]["targets"])


def test_the_home_is_looked_at_once_a_week_in_the_night_and_at_once_when_somebody_asks() -> None:
    watched = Watched(SecuredHome(thing("lamp")))
    begun = []
    for _ in range(21 * 24):
        watched.pass_time(HOUR)
        if len(watched.asked) > len(begun):
            begun.append(watched.now)
            watched.saw(Look("lamp", is_there=True))
    assert [(each - begun[0]).days for each in begun] == [0, 7, 14]
    assert {each.hour for each in begun} <= {3, 4}
    watched.scan(Look("lamp", is_there=True))
    assert len(watched.asked) == 4


def test_a_clock_that_was_wrong_at_the_start_does_not_bring_the_look_into_the_day() -> None:
    watched = Watched(SecuredHome(thing("lamp")))
    watched.security.handle_clock_step(900 * DAY + 7 * HOUR)
    watched.now += 900 * DAY + 7 * HOUR
    while not watched.asked:
        watched.pass_time(MINUTE)
    assert watched.now.hour == 3


def test_a_second_wish_joins_the_look_that_is_under_way() -> None:
    watched = Watched(SecuredHome(thing("lamp")))
    for request in ("one", "two"):
        watched.take(watched.security.take(ScanWanted(request), watched.now))
    assert len(watched.asked) == 1
    assert watched.answers == [{"scan_id": "id-1"}, {"scan_id": "id-1"}]


def test_a_hub_that_may_not_look_never_does_and_says_so() -> None:
    home = SecuredHome(thing("lamp"))
    security = Security(home, HomeId("home"), Ways(scans=False), lambda: "id")
    security.restore({}, NOON)
    assert security.take(ScanWanted("one"), NOON) == [
        Answer("one", {"error": "scans are switched off: see [security] in the settings"})
    ]
    assert (security.get_timer() or NOON) <= NOON + HOUR


def test_a_look_that_a_restart_or_an_hour_has_cut_off_is_closed_honestly_and_tried_again_the_next_night() -> None:
    watched = Watched(SecuredHome(thing("lamp")))
    watched.take(watched.security.take(ScanWanted("one"), watched.now))
    watched.restart()
    watched.pass_time(DAY)
    watched.pass_time(2 * HOUR)
    rows = watched.of("security_scans")
    assert [row["status"] for row in rows] == ["failed", "failed"]
    assert rows[0]["error_message"] == "The agent was restarted meanwhile."
    assert rows[1]["error_message"] == "It did not come to its end within an hour."
    watched.pass_time(DAY)
    assert len(watched.of("security_scans")) == 3


# Weaknesses.


def test_an_open_telnet_is_told_once_and_ends_when_it_is_closed_and_is_the_same_when_it_is_open_again() -> None:
    watched = Watched(SecuredHome(thing("camera")))
    for _ in range(2):
        watched.scan(Look("camera", is_there=True, open_ports=(23, 80)))
    assert watched.unresolved() == ["open_telnet"]
    assert "Camera: Telnet is open" in watched.issues["home_exposed", "open_telnet"]
    (row,) = watched.of("security_vulnerabilities")
    assert (row["status"], row["severity"], row["revision"]) == ("open", "error", 1)

    watched.scan(Look("camera", is_there=True, open_ports=(80,)))
    assert watched.issues == {}
    (row,) = watched.of("security_vulnerabilities")
    assert (row["status"], row["resolved_at"]) == ("resolved", NOON)

    watched.restart()
    watched.scan(Look("camera", is_there=True, open_ports=(23,)))
    (row,) = watched.of("security_vulnerabilities")
    assert (row["status"], row["is_recurring"], row["recurrence_count"]) == ("open", True, 2)


def test_a_device_that_does_not_answer_is_not_proved_to_be_safe() -> None:
    watched = Watched(SecuredHome(thing("camera")))
    watched.scan(Look("camera", is_there=True, open_ports=(23,)))
    watched.scan(Look("camera", is_there=False))
    watched.scan()
    watched.scan(error="the network is away")
    assert watched.unresolved() == ["open_telnet"]
    assert watched.of("security_scans")[-1]["error_message"] == "the network is away"


def test_what_is_told_is_told_again_after_a_restart_and_ends_with_the_device() -> None:
    watched = Watched(SecuredHome(thing("camera")))
    watched.scan(Look("camera", is_there=True, open_ports=(23,)))
    watched.restart()
    assert list(watched.issues) == [("home_exposed", "open_telnet")]
    watched.take(watched.security.handle_removed(DeviceId("camera"), watched.now))
    assert watched.issues == {}
    assert watched.unresolved() == []


def test_a_hundred_devices_with_the_same_weakness_are_one_issue() -> None:
    names = [f"camera{n:03}" for n in range(100)]
    watched = Watched(SecuredHome(*map(thing, names)))
    watched.scan(*(Look(each, is_there=True, open_ports=(23,)) for each in names))
    assert len(watched.of("security_vulnerabilities")) == 100
    assert len(watched.issues) == 1
    assert "and 95 more" in watched.issues["home_exposed", "open_telnet"]
    assert watched.security.grade().letter == "D"


def test_a_device_that_answers_on_every_port_is_one_finding_and_no_alarm() -> None:
    watched = Watched(SecuredHome(thing("trap")))
    watched.scan(Look("trap", is_there=True, open_ports=(21, 22, 23, 80, 443, 502, 1883, 5900, 8080, 8883)))
    assert watched.unresolved() == ["many_ports"]
    assert watched.issues == {}


def test_real_shellys_say_whether_they_have_a_login() -> None:
    answers = [json.loads(file.read_text("utf-8")).get("shelly") for file in sorted(SHELLYS.glob("shelly*.json"))]
    said = [each for each in answers if isinstance(each, dict)]
    assert len(said) > 20
    for each in said:
        has_login = each.get("auth_en", each.get("auth"))
        watched = Watched(SecuredHome(thing("plug", "shelly")))
        watched.scan(Look("plug", is_there=True, open_ports=(80,), pages={"/shelly": Page(200, False, each)}))
        assert watched.unresolved() == ([] if has_login else ["no_login"]), each["id"]
        assert watched.issues == {}  # as it comes out of the box: worth a line in the list, no alarm


@pytest.mark.parametrize(
    "page, is_open",
    [
        (Page(200, False, {"Status": {"Module": 1}}), True),
        (Page(200, False, {"WARNING": "Need user=<username>&password=<password>"}), False),
        (Page(401, True), False),
        (Page(200, False, {}, "<html>"), None),
    ],
)
def test_a_tasmota_says_whether_it_has_a_login(page: Page, is_open: bool | None) -> None:
    assert TASMOTA.is_open(page) is is_open


def test_a_device_that_lies_about_its_login_makes_no_finding_of_it() -> None:
    assert SHELLY.is_open(Page(200, False, {"auth_en": "no"})) is None
    assert probe_of(thing("plug", "homeassistant", "Shelly")) is SHELLY
    assert probe_of(thing("plug", "homeassistant", "Other")) is None


def test_an_open_broker_on_this_machine_is_told_with_what_to_do() -> None:
    watched = Watched(SecuredHome())
    watched.scan(Look("hub", is_there=True, open_ports=(1883,), brokers=(1883,)))
    assert "mosquitto_passwd" in watched.issues["home_exposed", "open_broker"]
    watched.scan(Look("hub", is_there=True, open_ports=(1883,)))
    assert watched.unresolved() == ["plain_broker"]
    watched.scan(Look("hub", is_there=True))
    assert watched.unresolved() == []
    assert watched.security.grade().letter == "A+"


def test_a_page_that_the_network_can_reach_without_tls_is_said_and_no_alarm() -> None:
    watched = Watched(SecuredHome(), page_host="0.0.0.0")
    watched.scan(Look("hub", is_there=True))
    assert watched.unresolved() == ["page_without_tls"]
    assert watched.issues == {}


# Firmware.

FAULTS: tuple[Mapping[str, Any], ...] = (
    {"title": "The login can be gone round", "versions": "<1.4.4", "severity": "critical", "fixed_in": "1.4.4"},
    {"title": "It hums", "category": "noise"},
    {"versions": "<9"},
)


@pytest.mark.parametrize(
    "firmware, found",
    [("1.4.3", 1), ("20260311-095850/1.4.3-g9979d16", 1), ("v1.4.4", 0), ("1.10.0", 0), (None, 0), ("beta", 0)],
)
def test_firmware_with_a_known_fault_is_found_by_model_and_version(firmware: str | None, found: int) -> None:
    home = SecuredHome(thing("plug", brand="Shelly", model="Plus 1PM"), thing("lamp", brand="Other", model="Plus 1PM"))
    if firmware is not None:
        home.firmware = dict.fromkeys(home.by_id, firmware)
    watched = Watched(home)
    watched.scan(models=(KnownIssues("shelly", "PLUS-1PM", FAULTS),))
    assert len(watched.unresolved()) == found
    assert len(watched.issues) == found


def test_a_fixed_firmware_ends_it_without_a_look() -> None:
    home = SecuredHome(thing("plug", brand="Shelly", model="Plus 1PM"))
    home.firmware["plug"] = "1.0"
    watched = Watched(home)
    watched.scan(models=(KnownIssues("Shelly", "Plus 1PM", FAULTS),))
    (row,) = watched.of("security_vulnerabilities")
    assert (row["severity"], row["patch_version"]) == ("critical", "1.4.4")
    home.firmware["plug"] = "1.4.4"
    watched.scan(models=(KnownIssues("Shelly", "Plus 1PM", FAULTS),))
    assert watched.unresolved() == []


def test_an_update_that_waits_for_a_month_is_said() -> None:
    home = SecuredHome(thing("plug"), thing("lamp"))
    home.waits = {"plug": NOON - 31 * DAY, "lamp": NOON - 29 * DAY}
    home.encrypted = {"lamp": False, "plug": True}
    watched = Watched(home)
    watched.scan()
    assert sorted((row["device_id"], row["title"]) for row in watched.of("security_vulnerabilities")) == [
        ("lamp", "Lamp: its API is not encrypted"),
        ("plug", "Plug: an update waits"),
    ]


@pytest.mark.parametrize(
    "version, wanted, is_in",
    [
        ("1.4.3", "<1.4.4", True),
        ("1.4.4", "<1.4.4", False),
        ("1.4.4", "<=1.4.4", True),
        ("1.4", "1.4.0", True),
        ("1.10", ">=1.2, <2", True),
        ("2.0", ">=1.2, <2", False),
        ("1.0", "nonsense", False),
        ("1.0", "", False),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, wanted: str, is_in: bool) -> None:
    numbers = version_of(version)
    assert numbers is not None
    assert is_within(numbers, wanted) is is_in


# The grade.


def test_the_grade_says_what_it_is_made_of() -> None:
    grade = grade_of([("a", "high", "Telnet"), ("a", "high", "Telnet too"), ("b", "medium", "FTP"), ("c", "info", "x")])
    assert (grade.score, grade.letter) == (31, "D")
    assert grade.reasons == ("25: Telnet and 1 more", "6: FTP")
    assert grade_of([]).letter == "A+"
    assert grade_of([(str(n), "critical", "t") for n in range(9)]).letter == "F"


# Damage and bounds.


def test_what_is_kept_and_damaged_is_forgotten() -> None:
    watched = Watched(SecuredHome(thing("camera")))
    watched.scan(Look("camera", is_there=True, open_ports=(23,)))
    for _ in range(5):
        watched.take(watched.security.take(AccessRefused("wrong_code", "192.168.1.9"), watched.now))
    for damage in ({}, {"finding": 1}, {"id": None, "began_at": "x"}, {"learns_until": "x"}, {"known": 3}):
        kept = dict(watched.kept)
        watched.kept = dict.fromkeys(kept, damage)
        watched.restart()
        watched.kept = kept


def test_a_thousand_weaknesses_are_bounded_and_what_is_shown_is_plain_json() -> None:
    names = [f"camera{n:04}" for n in range(600)]
    watched = Watched(SecuredHome(*map(thing, names)))
    watched.scan(*(Look(each, is_there=True, open_ports=(21, 23, 502, 5900)) for each in names))
    assert len(watched.unresolved()) == 500
    json.dumps(watched.security.as_json())
    assert len(json.dumps(watched.of("security_scans")[0], default=str)) < 50_000


def test_the_rows_have_every_column_that_the_cloud_takes() -> None:
    declared = (Path(__file__).parents[4] / "cloud_schema/sql/replaceable/10_0_declarations.sql").read_text("utf-8")
    watched = Watched(SecuredHome(thing("camera")))
    watched.scan(Look("camera", is_there=True, open_ports=(23,)))
    for _ in range(5):
        watched.take(watched.security.take(AccessRefused("wrong_code", "192.168.1.9"), watched.now))
    for table in ("security_scans", "security_vulnerabilities", "security_incidents"):
        columns = declared.partition(f"('{table}', '{table}',")[2].partition("{")[2].partition("}")[0].split(",")
        assert {*columns} == {*watched.of(table)[0]} - {"table", "revision"} | {"home_id"}, table
