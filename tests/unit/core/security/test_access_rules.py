"""Network access rules: the first that fits decides, nobody is locked out, and what cannot be enforced is said."""

from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from hub_agent.core.security.access_rules import AccessRules
from hub_agent.model.definition import Definition
from hub_agent.model.security import AccessRefused
from tests.fakes.secured_home import SecuredHome
from tests.unit.core.security.test_security import NOON, Watched

LAPTOP = "192.168.1.20"


def rules(*given: dict[str, Any], zone: str = "UTC") -> AccessRules:
    access = AccessRules(lambda: ZoneInfo(zone), lambda device: device == "hub", 8380)
    for number, fields in enumerate(given):
        named = {"rule_name": f"Rule {number}", "rule_type": "deny", **fields}
        access.define(f"rule-{number}", Definition("network_access_rule", f"rule-{number}", named))
    return access


def verdict(access: AccessRules, source: str = LAPTOP, at: datetime = NOON) -> str | None:
    judgement = access.judge(source, at)
    return judgement.verdict if judgement else None


@pytest.mark.parametrize(
    "fields, source, wanted",
    [
        ({"source_ip": LAPTOP}, LAPTOP, "deny"),
        ({"source_ip": LAPTOP}, "192.168.1.21", None),
        ({"source_ip": LAPTOP}, f"::ffff:{LAPTOP}", "deny"),
        ({"source_ip_range": "192.168.1.0/24"}, LAPTOP, "deny"),
        ({"source_ip_range": "192.168.1.0/24"}, "192.168.2.20", None),
        ({"source_ip": "fe80::1"}, "fe80::1%eth0", "deny"),
        ({"source_ip": LAPTOP, "source_ip_range": "192.168.1.0/24"}, LAPTOP, "deny"),
        ({"source_ip": LAPTOP, "is_enabled": False}, LAPTOP, None),
        ({"source_ip": LAPTOP, "destination_port": [8380]}, LAPTOP, "deny"),
        ({"source_ip": LAPTOP, "destination_device_id": "hub", "protocol": ["TCP"]}, LAPTOP, "deny"),
        ({"source_ip": LAPTOP, "rule_type": "alert"}, LAPTOP, "alert"),
        ({"source_ip": LAPTOP}, "not an address", None),
    ],
)
def test_a_rule_holds_for_whom_it_names(fields: dict[str, Any], source: str, wanted: str | None) -> None:
    assert verdict(rules(fields), source) == wanted


def test_the_lowest_priority_decides() -> None:
    deny, allow = {"source_ip_range": "192.168.1.0/24"}, {"source_ip": LAPTOP, "rule_type": "allow"}
    assert verdict(rules(deny | {"priority": 10}, allow | {"priority": 5})) == "allow"
    assert verdict(rules(deny | {"priority": 5}, allow | {"priority": 10})) == "deny"
    assert verdict(rules(deny, allow)) == "deny"


@pytest.mark.parametrize(
    "hours, at, wanted",
    [
        ({"from": "22:00", "to": "06:00"}, "2026-01-14T23:00", "deny"),
        ({"from": "22:00", "to": "06:00"}, "2026-01-14T05:59", "deny"),
        ({"from": "22:00", "to": "06:00"}, "2026-01-14T06:00", None),
        ({"from": "08:00", "to": "09:00"}, "2026-01-14T08:30", "deny"),
        ({"days": ["wed"]}, "2026-01-14T12:00", "deny"),
        ({"days": ["thu"]}, "2026-01-14T12:00", None),
        ({"days": ["wed"], "from": "22:00", "to": "06:00"}, "2026-01-15T05:00", "deny"),
        ({"days": ["wed"], "from": "22:00", "to": "06:00"}, "2026-01-14T05:00", None),
    ],
)
def test_hours_are_those_of_the_home_and_a_night_belongs_to_its_evening(
    hours: dict[str, Any], at: str, wanted: str | None
) -> None:
    access = rules({"source_ip": LAPTOP, "time_restrictions": hours}, zone="Europe/Berlin")
    local = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    assert verdict(access, LAPTOP, local.astimezone(UTC)) == wanted


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"destination_device_id": "camera"}, "another device"),
        ({"destination_port": [22]}, "other ports"),
        ({"protocol": ["udp"]}, "other protocols"),
        ({"source_mac": ["00:11:22:33:44:55"]}, "MAC"),
        ({"source_country": ["XX"]}, "countries"),
        ({"source_ip": "nonsense"}, "cannot be understood"),
        ({"source_ip": LAPTOP, "source_ip_range": "10.0.0.0/8"}, "cannot be understood"),
        ({"source_ip": LAPTOP, "time_restrictions": {"from": "22:00"}}, "cannot be understood"),
        ({"source_ip": LAPTOP, "time_restrictions": ["mon"]}, "cannot be understood"),
        ({"rule_type": "shoot"}, "none that is known"),
        ({}, "every address"),
        ({"source_ip_range": "0.0.0.0/0"}, "every address"),
    ],
)
def test_what_cannot_be_enforced_here_is_said_and_not_done(fields: dict[str, Any], words: str) -> None:
    access = rules(fields)
    assert words in str(access.all()[0].reason)
    assert verdict(access) is None


def test_everybody_may_be_denied_once_somebody_is_allowed() -> None:
    access = rules({"source_ip_range": "192.168.1.0/24", "rule_type": "allow", "priority": 1}, {"priority": 2})
    assert [each.reason for each in access.all()] == [None, None]
    assert (verdict(access), verdict(access, "192.168.2.1")) == ("allow", "deny")
    access.define("rule-0", None)
    assert verdict(access, "192.168.2.1") is None


addresses = st.sampled_from(
    ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "192.168.1.0/24", "::/0"]
)
some_rules = st.lists(
    st.fixed_dictionaries(
        {"source_ip_range": addresses, "priority": st.integers(0, 5)},
        optional={"time_restrictions": st.just({"days": ["wed"]}), "rule_type": st.sampled_from(["deny", "alert"])},
    ),
    max_size=8,
)


@given(some_rules)
def test_whatever_is_denied_somebody_of_the_home_and_this_machine_come_in(given_rules: list[dict[str, Any]]) -> None:
    access = rules(*given_rules)
    for local in ("127.0.0.1", "::1", "127.8.8.8"):
        assert verdict(access, local) is None
    at_home = (str(IPv4Address(first) + 77) for first in ("10.0.0.0", "172.16.0.0", "192.168.0.0"))
    assert any(verdict(access, each) != "deny" for each in at_home)


def test_a_rule_that_is_not_enforced_is_an_issue_until_it_is_changed_and_hits_are_counted() -> None:
    watched = Watched(SecuredHome())

    def define(**fields: Any) -> None:
        named = {"rule_name": "Cameras", "rule_type": "deny", **fields}
        given = Definition("network_access_rule", "rule", named)
        watched.take(watched.security.handle_definition("network_access_rule", "rule", given, watched.now))

    define(destination_device_id="camera")
    assert "only a router could enforce it" in watched.issues["access_rule_not_enforced", "rule"]
    define(source_ip=LAPTOP)
    assert watched.issues == {}
    watched.take(watched.security.take(AccessRefused("denied", LAPTOP, 3, "rule"), NOON))
    assert watched.security.present_of_rules() == {"rule": {"hit_count": 3, "last_hit_at": NOON.isoformat()}}
    watched.take(watched.security.handle_definition("network_access_rule", "rule", None, watched.now))
    assert watched.security.present_of_rules() == {}
