"""What Prometheus is told: read by its own parser, in its own units, and nothing that is not known."""

from prometheus_client.parser import text_string_to_metric_families as parsed

from hub_agent.web.metrics import Family, as_text, families_of
from tests.fakes.door import AT, LAMP


async def told(browser) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = await browser.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, tuple(sample.labels.items())): sample.value
        for family in parsed(answer.text)
        for sample in family.samples
    }


def issue(code: str, subject: str) -> dict[str, object]:
    return {"code": code, "severity": "warning", "title": "", "text": "", "subject": subject, "since": AT}


async def test_prometheus_reads_how_the_hub_is_and_what_it_did(page, door) -> None:
    door.issues_now = [issue("device_silent", LAMP), issue("device_silent", "other"), issue("disk_full", "mirror")]
    seen = await told(page)
    assert seen["nexa_hub_build_info", (("version", "0.1.0"),)] == 1
    assert seen["nexa_hub_devices", (("availability", "unavailable"),)] == 1
    assert seen["nexa_hub_messages_total", (("dialect", "zigbee2mqtt"),)] == 1200
    assert seen["nexa_hub_commands_total", (("outcome", "expired"),)] == 1
    assert seen["nexa_hub_automation_runs_total", (("status", "success"),)] == 5
    assert seen["nexa_hub_scene_activations_total", (("status", "partial"),)] == 1
    assert seen["nexa_hub_issues", (("code", "device_silent"), ("severity", "warning"))] == 2
    assert seen["nexa_hub_cpu_temperature_celsius", ()] == 52.3
    assert seen["nexa_hub_written_bytes_total", ()] == 8192
    assert seen["process_resident_memory_bytes", ()] == 60 * 1024 * 1024
    assert seen["nexa_hub_way_latency_seconds", (("way", "router"),)] == 0.0008
    assert (seen["nexa_hub_broker_connected", ()], seen["nexa_hub_cloud_connected", ()]) == (1, 1)


async def test_what_waits_for_the_cloud_is_told_by_number_and_age(page, door) -> None:
    status = door.status()
    stream = {"stream": "device_states", "waiting": 7, "oldest_at": "2026-06-01T11:58:30+00:00"}
    status["cloud"] |= {"is_online": False, "streams": [stream, {"stream": "audit_logs", "waiting": 0}]}
    seen = {family.name: family.samples for family in families_of(status, door.figures(), [])}
    assert seen["nexa_hub_outbox_records"] == [({"stream": "device_states"}, 7), ({"stream": "audit_logs"}, 0)]
    assert seen["nexa_hub_sync_lag_seconds"] == [({}, 90)]
    assert seen["nexa_hub_cloud_connected"] == [({}, 0)]


async def test_a_home_without_a_cloud_tells_nothing_of_one_and_what_is_not_known_is_left_out(door) -> None:
    status = door.status() | {"cloud": {"is_claimed": False}, "vitals": {"measured_at": None, "figures": []}}
    text = as_text(families_of(status, door.figures() | {"written_bytes": None}, []))
    for name in ("cloud", "outbox", "sync", "temperature", "written", "issues"):
        assert name not in text, name


def test_names_with_quotes_and_line_ends_do_not_break_the_text() -> None:
    hostile = 'a"b\\c\nd'
    [family] = parsed(as_text([Family("x", "gauge", "Words.", [({"code": hostile}, 1.5)])]))
    assert [(sample.labels, sample.value) for sample in family.samples] == [({"code": hostile}, 1.5)]


async def test_every_name_follows_the_conventions(page, door) -> None:
    door.issues_now = [issue("device_silent", LAMP)]
    for family in families_of(door.status(), door.figures(), door.issues()):
        assert family.name.startswith(("nexa_hub_", "process_")), family.name
        assert family.name.endswith("_total") == (family.kind == "counter"), family.name
        assert family.words.endswith("."), family.name
        assert not family.name.endswith(("_percent", "_milliseconds", "_mebibytes", "_count")), family.name


async def test_nobody_reads_it_without_being_let_in(browser, fault) -> None:
    fault(await browser.get("/metrics"), 401, "not_paired")
