"""How the machine is, read from /proc and /sys. What a machine does not tell is None; nothing here is ever an error."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hub_agent.model.measured import Disk, HubMeasured

# A Raspberry Pi slows itself down from 80 °C on; the processors of other machines are made for more.
HOT_CELSIUS, HOT_CELSIUS_X86 = 80.0, 92.0
UNDER_VOLTAGE_BIT, THROTTLED_BITS = 0x1, 0x6
SECTOR_BYTES = 512
# The kernel's names of the zones in which the processor is.
_CPU_ZONES = ("cpu", "x86_pkg_temp", "soc", "bcm2835_thermal")
# The card's controller counts its life in tenths; 11 is beyond it.
_TENTHS_MAX = 11


class MachineVitals:
    """Fills ports.VitalsMeter. `folders`: what the hub writes to."""

    def __init__(self, folders: Sequence[Path], proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> None:
        self._folders = folders
        self._proc = proc
        self._sys = sys

    def measure(self) -> HubMeasured:
        memory = _kilobytes(self._proc / "meminfo")
        own = _kilobytes(self._proc / "self/status")
        card = self._card()
        worn, pre_eol = (None, None) if card is None else (_worn_percent(card), _number(card / "device/pre_eol_info"))
        swap_total, swap_free = memory.get("SwapTotal"), memory.get("SwapFree")
        throttled = self._throttled()
        return HubMeasured(
            disks=self._disks(),
            agent_bytes=own.get("VmRSS"),
            memory_bytes=memory.get("MemTotal"),
            memory_available_bytes=memory.get("MemAvailable"),
            swap_used_bytes=None if swap_total is None or swap_free is None else swap_total - swap_free,
            cpu_celsius=self._celsius(),
            hot_celsius=HOT_CELSIUS_X86 if os.uname().machine in {"x86_64", "i686"} else HOT_CELSIUS,
            is_under_voltage=self._is_under_voltage(throttled),
            is_throttled=None if throttled is None else bool(throttled & THROTTLED_BITS),
            load_per_core=self._load(),
            card_worn_percent=worn,
            card_pre_eol=pre_eol,
            card_written_bytes=None if card is None else _written(card),
            agent_written_bytes=_agent_written(self._proc / "self/io"),
        )

    def _disks(self) -> tuple[Disk, ...]:
        found: dict[int, Disk] = {}
        for folder in self._folders:
            with suppress(OSError):
                space = os.statvfs(folder)
                disk = Disk(str(folder), space.f_bavail * space.f_frsize, space.f_blocks * space.f_frsize)
                found.setdefault(folder.stat().st_dev, disk)
        return tuple(found.values())

    def _celsius(self) -> float | None:
        """Of the processor; where no zone says that it is there, of the hottest."""
        by_kind: dict[str, float] = {}
        for zone in sorted((self._sys / "class/thermal").glob("thermal_zone*")):
            thousandths = _number(zone / "temp")
            if thousandths is not None:
                kind = (_text(zone / "type") or zone.name).lower()
                by_kind[kind] = max(by_kind.get(kind, -273.0), thousandths / 1000)
        of_cpu = [celsius for kind, celsius in by_kind.items() if kind.startswith(_CPU_ZONES)]
        return max(of_cpu or by_kind.values(), default=None)

    def _is_under_voltage(self, throttled: int | None) -> bool | None:
        for sensor in (self._sys / "class/hwmon").glob("hwmon*"):
            if _text(sensor / "name") == "rpi_volt":
                alarm = _number(sensor / "in0_lcrit_alarm")
                if alarm is not None:
                    return alarm != 0
        return None if throttled is None else bool(throttled & UNDER_VOLTAGE_BIT)

    def _throttled(self) -> int | None:
        text = _text(self._sys / "devices/platform/soc/soc:firmware/get_throttled")
        with suppress(TypeError, ValueError):
            return int(text or "", 16)
        return None

    def _load(self) -> float | None:
        text = _text(self._proc / "loadavg")
        with suppress(ValueError, IndexError):
            return float((text or "").split()[0]) / (os.cpu_count() or 1)
        return None

    def _card(self) -> Path | None:
        """The disk that the first folder is on, as a folder of /sys; a partition's is the one above it."""
        with suppress(OSError, IndexError):
            number = self._folders[0].stat().st_dev
            link = self._sys / f"dev/block/{os.major(number)}:{os.minor(number)}"
            if link.exists():
                disk = link.resolve()
                return disk.parent if (disk / "partition").exists() else disk
        return None


def _worn_percent(card: Path) -> int | None:
    """Of the two kinds of cells the one that is worn more: `0x01 0x02` is at most 10 and 20 percent. 0: it does not say."""
    tenths: list[int] = []
    for part in (_text(card / "device/life_time") or "").split():
        with suppress(ValueError):
            tenths.append(int(part, 16))
    most = max(tenths, default=0)
    return most * 10 if 0 < most <= _TENTHS_MAX else None


def _written(disk: Path) -> int | None:
    """Since the machine was started."""
    with suppress(ValueError, IndexError):
        return int((_text(disk / "stat") or "").split()[6]) * SECTOR_BYTES
    return None


def _agent_written(path: Path) -> int | None:
    """By this process since its start, in whole pages, as the kernel gives them to the disk."""
    for line in (_text(path) or "").splitlines():
        name, _, value = line.partition(": ")
        if name == "write_bytes" and value.isdecimal():
            return int(value)
    return None


def _kilobytes(path: Path) -> dict[str, int]:
    """Lines such as `MemAvailable:  123 kB`, in bytes."""
    found: dict[str, int] = {}
    for line in (_text(path) or "").splitlines():
        name, _, rest = line.partition(":")
        parts = rest.split()
        if len(parts) == 2 and parts[1] == "kB" and parts[0].isdecimal():
            found[name] = int(parts[0]) * 1024
    return found


def _number(path: Path) -> int | None:
    with suppress(TypeError, ValueError):
        return int(_text(path) or "", 0)
    return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
