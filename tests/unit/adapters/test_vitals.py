"""What a machine tells of itself, as a Raspberry Pi's /proc and /sys have it; and one that tells nothing."""

import os
from pathlib import Path

import pytest

from hub_agent.adapters.vitals import MachineVitals
from hub_agent.model.measured import HubMeasured


def put(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def pi(tmp_path: Path) -> MachineVitals:
    proc, sys, home = tmp_path / "proc", tmp_path / "sys", tmp_path / "home"
    home.mkdir()
    put(
        proc,
        **{
            "meminfo": "MemTotal:        3884360 kB\nMemAvailable:    2911240 kB\nSwapTotal:        102396 kB\nSwapFree:          90000 kB\nHugePages_Total:       0\n",
            "self/status": "Name:\tnexa-hub\nVmRSS:\t   84216 kB\nThreads:\t5\n",
            "loadavg": "0.52 0.58 0.59 1/189 5678\n",
        },
    )
    number = home.stat().st_dev
    disk = sys / "devices/platform/emmc2bus/mmc0:aaaa/block/mmcblk0"
    put(
        sys,
        **{
            "class/thermal/thermal_zone0/type": "cpu-thermal\n",
            "class/thermal/thermal_zone0/temp": "48686\n",
            "class/thermal/thermal_zone1/type": "rp1_adc\n",
            "class/thermal/thermal_zone1/temp": "71000\n",
            "class/hwmon/hwmon0/name": "cpu_thermal\n",
            "class/hwmon/hwmon1/name": "rpi_volt\n",
            "class/hwmon/hwmon1/in0_lcrit_alarm": "1\n",
            "devices/platform/soc/soc:firmware/get_throttled": "50005\n",
        },
    )
    put(
        disk,
        **{
            "mmcblk0p2/partition": "2\n",
            "device/life_time": "0x01 0x09\n",
            "device/pre_eol_info": "0x01\n",
            "stat": "  12044  4500  1141610  9211  60210  31000  2048000  99011  0  61000 108222\n",
        },
    )
    link = sys / f"dev/block/{os.major(number)}:{os.minor(number)}"
    link.parent.mkdir(parents=True)
    link.symlink_to(disk / "mmcblk0p2")
    return MachineVitals([home, home, tmp_path / "missing"], proc, sys)


def test_a_raspberry_pi_tells_all_of_itself(pi: MachineVitals) -> None:
    told = pi.measure()

    assert (told.memory_bytes, told.memory_available_bytes) == (3884360 * 1024, 2911240 * 1024)
    assert (told.agent_bytes, told.swap_used_bytes) == (84216 * 1024, (102396 - 90000) * 1024)
    assert told.cpu_celsius == 48.686, "of the processor, not of the hottest chip"
    assert (told.is_under_voltage, told.is_throttled) == (True, True)
    assert (told.card_worn_percent, told.card_pre_eol) == (90, 1)
    assert told.card_written_bytes == 2048000 * 512
    assert told.load_per_core == 0.52 / (os.cpu_count() or 1)
    assert [disk.total_bytes > disk.free_bytes > 0 for disk in told.disks] == [True], "one file system, once"


def test_without_its_sensor_the_firmware_tells_of_the_voltage(pi: MachineVitals, tmp_path: Path) -> None:
    (tmp_path / "sys/class/hwmon/hwmon1/name").write_text("other\n")
    under = pi.measure().is_under_voltage
    (tmp_path / "sys/devices/platform/soc/soc:firmware/get_throttled").write_text("50000\n")

    assert (under, pi.measure().is_under_voltage) == (True, False)


def test_a_machine_that_tells_nothing_is_no_error(tmp_path: Path) -> None:
    told = MachineVitals([tmp_path / "missing"], tmp_path / "proc", tmp_path / "sys").measure()

    assert told == HubMeasured(hot_celsius=told.hot_celsius)


@pytest.mark.parametrize("text", ["", "nonsense", "0x00 0x00", "0xff", "-3", "\x00\xff"])
def test_what_cannot_be_understood_is_not_known(pi: MachineVitals, tmp_path: Path, text: str) -> None:
    for path in (tmp_path / "sys").rglob("*"):
        if path.is_file() and path.name not in {"partition", "type", "name"}:
            path.write_text(text)
    for name in ("meminfo", "self/status", "loadavg"):
        (tmp_path / "proc" / name).write_text(text)

    told = pi.measure()

    assert (told.memory_bytes, told.agent_bytes, told.card_worn_percent, told.card_written_bytes) == (None,) * 4


def test_this_machine_is_measured() -> None:
    told = MachineVitals([Path("/")]).measure()

    assert told.memory_bytes
    assert told.agent_bytes
    assert told.disks
