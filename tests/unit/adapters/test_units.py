"""Only units that the settings name are restarted, by systemctl; what it refuses is said in words."""

from pathlib import Path

import pytest

from hub_agent.adapters.units import RestartUnit
from hub_agent.errors import NotPossible


def systemctl(folder: Path, *, says: str = "", ends: int = 0) -> Path:
    path = folder / "systemctl"
    path.write_text(f'#!/bin/sh\necho "$@" >>{folder}/asked\necho "{says}" >&2\nexit {ends}\n')
    path.chmod(0o755)
    return path


async def restart(unit: object, program: Path) -> None:
    await RestartUnit(["mosquitto.service"], str(program)).run({"unit": unit}, wants_response=False)  # type: ignore[dict-item]


async def test_a_unit_that_is_named_is_restarted_without_a_password(tmp_path: Path) -> None:
    await restart("mosquitto.service", systemctl(tmp_path))

    assert (tmp_path / "asked").read_text() == "--no-ask-password restart -- mosquitto.service\n"


@pytest.mark.parametrize("unit", ["ssh.service", "mosquitto", "mosquitto.service ssh.service", "", None, "--all", 7])
async def test_what_is_not_named_is_never_touched(tmp_path: Path, unit: object) -> None:
    program = systemctl(tmp_path)

    with pytest.raises(NotPossible, match="does not name it"):
        await restart(unit, program)

    assert not (tmp_path / "asked").exists()


async def test_where_the_rule_is_missing_it_is_said_what_to_do(tmp_path: Path) -> None:
    program = systemctl(
        tmp_path, says="Failed to restart mosquitto.service: Interactive authentication required.", ends=1
    )

    with pytest.raises(NotPossible, match=r"deploy/install.sh"):
        await restart("mosquitto.service", program)


async def test_why_a_unit_does_not_start_is_said(tmp_path: Path) -> None:
    program = systemctl(tmp_path, says="Job for mosquitto.service failed because of a bad option.", ends=1)

    with pytest.raises(NotPossible, match="bad option"):
        await restart("mosquitto.service", program)


async def test_without_systemd_it_is_not_possible(tmp_path: Path) -> None:
    with pytest.raises(NotPossible):
        await restart("mosquitto.service", tmp_path / "missing")
