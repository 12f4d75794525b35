"""The claim gives the hub a home; what it found before gets the ids that it has in that home."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hub_agent.core.inventory import Inventory
from hub_agent.model.device import AdvertisedEntity, Advertisement, Alias, Device, Origin
from hub_agent.model.effects import AppendRecord, Save, SaveDevice
from hub_agent.model.ids import HomeId
from hub_agent.ports import Moment
from hub_agent.store.store import Mirror

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
NOW = Moment(NOON, 100.0, "boot", True)
CLAIMED = HomeId("9c3d43b7-87a4-5012-b2b1-290dae591eaf")
LAMP = Advertisement(
    Origin("zigbee2mqtt", "0x1"), (Alias("zigbee_ieee", "0x1"),), "Lamp", (AdvertisedEntity("light", "light"),)
)


def found_in(home_id: str) -> Device:
    device = Inventory(HomeId(home_id)).advertise(LAMP, NOON).device
    assert device is not None
    return device


async def test_after_the_claim_everything_names_the_device_as_the_home_does(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path / "mirror.db", inline=True)
    before = await mirror.open(NOW)
    old = found_in(before.identity.home_id)
    row = {
        "id": "7b2c5a58-3f5d-4a3e-9f7e-0d6a51f4f111",
        "device_id": old.id,
        "entities": {"light.lamp": {"state": "on", "attributes": {}, "changed_at": NOON}},
        "changed_fields": ["light.lamp.state"],
        "change_source": "manual",
        "created_at": NOON,
    }
    presence = Save("inventory", "presence/all", {old.id: {"is_available": True}})
    await mirror.commit([SaveDevice(old), AppendRecord("device_states", row), presence], NOW)
    await mirror.save_identity(replace(before.identity, home_id=CLAIMED, hub_id="hub", secret="s"))
    await mirror.close(NOW)

    again = Mirror(tmp_path / "mirror.db", inline=True)
    after = await again.open(NOW)
    batch = await again.next_batch("device_states", 10, 100_000)
    await again.close(NOW)

    new = found_in(CLAIMED)
    assert [device.id for device in after.devices] == [new.id]
    assert new.id != old.id
    assert after.states["light.lamp"].state == "on"
    assert list(after.saved["inventory"]["presence/all"]) == [new.id]
    assert batch is not None
    assert batch.rows[0]["device_id"] == new.id
    with closing(sqlite3.connect(tmp_path / "mirror.db")) as connection:
        assert old.id not in "".join(connection.iterdump())


async def test_a_hub_that_stays_in_its_home_keeps_its_ids(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path / "mirror.db", inline=True)
    before = await mirror.open(NOW)
    old = found_in(before.identity.home_id)
    await mirror.commit([SaveDevice(old)], NOW)
    await mirror.close(NOW)

    again = Mirror(tmp_path / "mirror.db", inline=True)
    after = await again.open(NOW)
    await again.close(NOW)

    assert after.devices == [old]
