"""A disk that is really full: a small one of our own."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub_agent.errors import MirrorFull
from hub_agent.store.ledger import disk_space_of
from hub_agent.store.retention import DISK_FULL
from tests.unit.store.homes import at, drain, execution, light, mirror_in

COMMITS = 4000


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if (
        os.geteuid()
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8m", "none", folder], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("not run: a small disk cannot be mounted here (needs root)")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


async def test_on_a_full_disk_the_oldest_is_shed_and_told_and_the_newest_is_kept(small_disk) -> None:
    (small_disk / "others").write_bytes(b"x" * 3_000_000)
    mirror = mirror_in(small_disk, disk_space=disk_space_of(small_disk / "mirror.db"))
    await mirror.open(at())
    with pytest.raises(MirrorFull, match="Free some space"):
        await mirror.commit([light("on", text=os.urandom(8_000_000).hex())], at(1))
    for n in range(COMMITS):
        await mirror.commit([light("on", n, text=os.urandom(1500).hex()), execution(n)], at(n))
    last = {p.stream: p.last for p in await mirror.positions()}
    gaps = list(await mirror.gaps())
    assert {gap.reason for gap in gaps} == {DISK_FULL}
    for stream in ("device_states", "automation_executions"):
        shed = sum(gap.count for gap in gaps if gap.stream == stream)
        rows = await drain(mirror, stream)
        assert last[stream] == COMMITS
        assert len(rows) + shed == COMMITS, stream
    assert rows[-1][1]["id"] == f"run-{COMMITS - 1}"
    mirror.abandon()
    again = mirror_in(small_disk)
    remembered = await again.open(at(COMMITS + 1))
    assert remembered.findings == []
    assert remembered.states["light.lamp"].state == "on"
    await again.close(at(COMMITS + 2))
