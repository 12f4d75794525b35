"""The agent writes to its state directory and beside its socket, and nowhere else: the rest of the machine may be read-only."""

import os
import subprocess

import pytest

from tests.system.conftest import Hub, LampBoard, scene

pytestmark = [pytest.mark.heavy, pytest.mark.skipif(os.geteuid() != 0, reason="mounts can only be changed by root")]

# Everything that is mounted, but for the folders that are given; what the kernel does not let us change is no disk.
READ_ONLY = """
mount --make-rprivate /
for folder in {folders}; do mount --bind "$folder" "$folder"; done
while read -r _ at kind _; do
    case " {folders} " in *" $at "*) continue ;; esac
    case "$kind" in proc | sysfs | devpts | cgroup* | mqueue) continue ;; esac
    mount -o remount,bind,ro "$at" 2>/dev/null || true
done < /proc/self/mounts
if touch {probe} 2>/dev/null; then echo "the root can be written" >&2; exit 99; fi
exec "$@"
"""


def test_it_runs_on_a_machine_that_is_read_only(hub: Hub, board: LampBoard) -> None:
    hub.remember(scene("Evening", lamp_1="on"))
    folders = f"{hub.state_dir} {hub.socket.parent}"
    script = READ_ONLY.format(folders=folders, probe=hub.settings_file.parent / "probe")
    sandbox = ("unshare", "--mount", "sh", "-c", script, "sh")
    tried = subprocess.run([*sandbox, "true"], capture_output=True, text=True, check=False)
    if "unshare" in tried.stderr or "mount:" in tried.stderr:
        pytest.skip(f"not run: mounts cannot be changed here ({tried.stderr.strip()[:100]})")

    hub.start(prefix=sandbox)
    hub.wait_for_state("light.lamp_1", "off")
    assert hub.cli("scenes", "activate", "Evening").returncode == 0
    assert board.states["lamp_1"] == "ON"
    assert hub.stop() == 0

    hub.start(prefix=sandbox)
    assert not {"disk_full", "mirror_unwritable", "mirror_salvaged"} & hub.issues().keys()
    assert hub.stop() == 0
    assert "Read-only" not in hub.log()
    assert "Traceback" not in hub.log()
