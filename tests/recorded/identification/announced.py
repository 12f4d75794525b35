"""Recorded announcements as the hub hears them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hub_agent.model.link import Service

DATA = Path(__file__).parents[1] / "data" / "identification"


def of_shellies() -> Iterator[Service]:
    for line in (DATA / "shelly.jsonl").read_text(encoding="utf-8").splitlines():
        records = json.loads(line)["records"]
        for record in records:
            if record["type"] == "SRV":
                yield _service(record, records)


def of_others() -> Iterator[Service]:
    """Their properties are as a test wrote them: upper case, bytes, None."""
    for info in json.loads((DATA / "zeroconf_service_infos.json").read_text(encoding="utf-8")):
        txt = {key: value for key, value in info["properties"].items() if key != "_raw"}
        hosts = tuple(address for address in info["addresses"] if address)
        name = (info["name"] or "").removesuffix(f".{info['type']}")
        yield Service("mdns", info["type"], name, hosts, info["port"], info["hostname"], txt)


def _service(record: Any, records: Any) -> Service:
    instance, _, kind = record["name"].partition("._")
    said = next((each["data"] for each in records if each["type"] == "TXT" and each["name"] == record["name"]), [])
    hosts = tuple(each["data"] for each in records if each["type"] in {"A", "AAAA"})
    txt = {key: value for key, _, value in (pair.partition("=") for pair in said)}
    return Service("mdns", f"_{kind}.", instance, hosts, record["data"]["port"], record["data"]["target"], txt)
