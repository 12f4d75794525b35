"""`python3 /opt/nexa-hub/upgrade`: takes this hub from the version it runs to another one beside it, and back by itself when that one is not well.

It needs nothing but the system's Python: it has to work when the version that it installs does not. What it does is written down
in `upgrade.json` before it is done, and each step can be done again: after a power cut nexa-hub-upgrade.service goes on from there.

  to NAME     makes sure that NAME can be switched to, and switches (install.sh calls it)
  back        goes back to the version before
  resume      what nexa-hub-upgrade.service runs: does what upgrade.json says, and watches
"""

import argparse
import fcntl
import json
import os
import shutil
import signal
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from subprocess import run

from mirror import MIRROR, owner_of, schema_of
from watch import Limits, Socket, Verdict, watch

AGENT = "nexa-hub.service"
ITSELF = "nexa-hub-upgrade.service"
# A plan that was begun so often and is not done is not tried again.
ATTEMPTS_MAX = 5
SPARE_BYTES = 8_000_000
SYSTEMCTL_S = 180


class Refused(Exception):
    """In words, for the person who installs. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`stage`: forward (to be switched and watched) or back. `source` is empty for the first installation.

    `keeps_mirror`: the new version changes the mirror's form, so that the old one could not read it afterwards.
    """

    source: str
    target: str
    stage: str
    keeps_mirror: bool
    had_broker: bool
    watch_s: int
    attempts: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    root: Path

    @property
    def prefix(self) -> Path:
        return self.root / "opt/nexa-hub"

    @property
    def units(self) -> Path:
        return self.root / "etc/systemd/system"

    @property
    def state(self) -> Path:
        return self.root / self._setting("state_dir", "/var/lib/nexa-hub").lstrip("/")

    @property
    def socket(self) -> Path:
        return self.root / self._setting("socket", "/run/nexa-hub/nexa-hub.sock").lstrip("/")

    @property
    def settings(self) -> Path:
        return self.root / "etc/nexa-hub/nexa-hub.toml"

    @property
    def plan(self) -> Path:
        return self.prefix / "upgrade.json"

    @property
    def outcome(self) -> Path:
        return self.prefix / "last-upgrade.json"

    @property
    def kept(self) -> Path:
        return self.state / "mirror-before-upgrade.db"

    def linked(self, name: str) -> str:
        link = self.prefix / name
        return str(link.readlink()) if link.is_symlink() else ""

    def schema(self, version: str) -> int:
        return int((self.prefix / version / "share/schema").read_text())

    def _setting(self, key: str, default: str) -> str:
        import tomllib

        try:
            return str(tomllib.loads(self.settings.read_text()).get("agent", {}).get(key, default))
        except (OSError, ValueError):
            return default


class Service:
    """The agent's service; where nothing is to be started, as in an image of a card, nothing is."""

    def __init__(self, *, is_started: bool) -> None:
        self.is_started = is_started

    def stop(self) -> None:
        self._systemctl("stop", AGENT)

    def start(self) -> None:
        self._systemctl("daemon-reload")
        self._systemctl("reset-failed", AGENT)
        self._systemctl("enable", "--quiet", AGENT)
        # Not waited for: whether it is well is what is watched.
        self._systemctl("start", "--no-block", AGENT)

    def restart(self) -> None:
        self.start()
        # Waited for: who installs is shown the page next.
        self._systemctl("restart", AGENT)

    def get_ready(self) -> None:
        """Before anything is planned: what goes on with a plan after a power cut."""
        self._systemctl("daemon-reload")
        self._systemctl("enable", "--quiet", ITSELF)

    def hand_over(self) -> None:
        """From here on it is systemd's: an installer that is closed or killed stops nothing half way."""
        self._systemctl("start", "--no-block", ITSELF)

    def _systemctl(self, *words: str) -> None:
        if self.is_started:
            run(["systemctl", *words], capture_output=True, timeout=SYSTEMCTL_S, check=False)


def say(text: str) -> None:
    print(f"nexa-hub: {text}", flush=True)


# Planning: nothing that runs is touched.


def plan_to(place: Place, version: str, watch_s: int) -> Plan:
    """Raises Refused."""
    source = place.linked("current")
    if not (place.prefix / version / "share/schema").exists():
        raise Refused(f"version {version} is not in {place.prefix}")
    _check_settings(place, version)
    keeps, had_broker = _check_mirror(place, version), Socket(place.socket).has_broker() is True
    # The first one has nothing to go back to: it is done when it answers.
    return Plan(source, version, "forward", keeps, had_broker, watch_s if source else 0)


def plan_back(place: Place, watch_s: int) -> Plan:
    """Raises Refused."""
    source, target = place.linked("current"), place.linked("before")
    if not target or not (place.prefix / target).is_dir():
        raise Refused("there is no version before this one to go back to; install one of a release with --from")
    if not source:
        raise Refused("nothing is installed that one could go back from")
    there = schema_of(place.state)
    keeps = there > place.schema(target)
    if keeps and not place.kept.exists():
        raise Refused(
            f"version {target} cannot read the mirror that is here (its form is {there}, it knows {place.schema(target)}), "
            f"and {place.kept}, the one of before, is gone. Restore a backup that it made: nexa-hub restore FILE"
        )
    # A plan is told from the side of the version that is left.
    return Plan(target, source, "back", keeps, had_broker=False, watch_s=watch_s, reason="asked for")


def _check_settings(place: Place, version: str) -> None:
    """An unreadable setting would stop the new version for good: better now, while the old one runs."""
    if not place.settings.exists():
        return
    python = place.prefix / version / "bin/python"
    read = run(
        [python, "-m", "hub_agent", "config", "--config", place.settings],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    if read.returncode:
        raise Refused(f"{(read.stderr or read.stdout).strip()}\nMend {place.settings} and run this again.")


def _check_mirror(place: Place, version: str) -> bool:
    """Migrates a copy with the new version. Answers whether the mirror's form changes. Raises Refused."""
    mirror = place.state / MIRROR
    if not mirror.exists():
        return False
    # On a full disk it cannot even be read.
    _need(place, SPARE_BYTES)
    there, wanted = schema_of(place.state), place.schema(version)
    if there > wanted:
        raise Refused(
            f"version {version} is older than what wrote the mirror (its form is {there}, that version knows {wanted}). "
            f"To go back to the version before: install.sh --back"
        )
    if there in {0, wanted}:
        return False
    _need(place, SPARE_BYTES + 2 * mirror.stat().st_size)
    say("trying the new version on a copy of the home's data")
    tried = _as_owner(place, "rehearse", str(place.prefix / version / "bin/python"))
    if tried:
        raise Refused(f"the new version cannot take over the home's data: {tried}\nThe version before runs on.")
    return True


def _need(place: Place, needed: int) -> None:
    free = shutil.disk_usage(place.state).free
    if free < needed:
        raise Refused(
            f"the disk is too full: {place.state} has {free // 1_000_000} MB free, and {needed // 1_000_000} MB are needed to "
            "keep the mirror of before. Make room (journalctl --vacuum-size=50M, apt-get clean) and run this again."
        )


def _as_owner(place: Place, *words: str) -> str:
    """Handles the mirror as the user that it belongs to: a root that follows links there would be its tool. Answers what failed."""
    who = owner_of(place.state) if os.geteuid() == 0 else {}
    done = run(
        [sys.executable, Path(__file__).with_name("mirror.py"), place.state, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        **who,
    )
    return "" if done.returncode == 0 else (done.stderr or done.stdout).strip().splitlines()[-1]


def _forget_crashes(place: Place) -> None:
    # There is no home's data yet in the image of a card, or before the first start.
    if place.state.exists():
        _as_owner(place, "forget-crashes")


# Doing.


def carry_out(place: Place, service: Service, limits: Limits) -> Verdict:
    """Does what the plan says, from wherever it stopped. Answers how it ended."""
    plan = _read_plan(place)
    if plan.attempts >= ATTEMPTS_MAX and plan.stage == "forward" and plan.source:
        plan = replace(plan, stage="back", reason=f"the upgrade was interrupted {plan.attempts} times")
    plan = replace(plan, attempts=plan.attempts + 1)
    _note(place.plan, asdict(plan))
    if plan.stage == "forward":
        try:
            verdict = _forward(place, service, plan, limits)
        except OSError as err:
            verdict = Verdict(is_well=False, reason=f"{err.filename or place.prefix}: {err.strerror or err}")
        if verdict.is_well or not plan.source:
            return _told(place, plan, verdict)
        _at("unwell")
        say(f"version {plan.target} is not well: {verdict.reason}. Going back to {plan.source}")
        plan = replace(plan, stage="back", reason=verdict.reason)
        _note(place.plan, asdict(plan))
    try:
        verdict = _back(place, service, plan)
    finally:
        # Whatever went wrong on the way: one of the two runs.
        service.start()
    return _told(place, plan, verdict)


def _forward(place: Place, service: Service, plan: Plan, limits: Limits) -> Verdict:
    # Once it is switched the mirror belongs to the new version: what is kept of the old one must not be made anew.
    if place.linked("current") != plan.target:
        service.stop()
        _at("stopped")
        if plan.keeps_mirror:
            failed = _as_owner(place, "keep")
            if failed:
                return Verdict(is_well=False, reason=f"the mirror of before could not be kept: {failed}")
        _at("kept")
        _place_unit(place, plan.target)
        _at("placed")
        if plan.source:
            _link(place.prefix / "before", plan.source)
        _forget_crashes(place)
        _link(place.prefix / "current", plan.target)
        _at("switched")
    _place_unit(place, plan.target)
    service.start()
    _at("started")
    if not service.is_started:
        return Verdict(is_well=True, reason="not started, so not watched")
    verdict = watch(AGENT, Socket(place.socket), limits, had_broker=plan.had_broker)
    _at("well")
    return verdict


def _back(place: Place, service: Service, plan: Plan) -> Verdict:
    service.stop()
    lost = ""
    is_switched = place.linked("current") != plan.source
    there = schema_of(place.state)
    if is_switched and plan.keeps_mirror and (there == 0 or there > place.schema(plan.source)):
        failed = _as_owner(place, "put-back")
        if failed:
            return Verdict(
                is_well=False, reason=f"going back failed: {failed}. Version {plan.target} was started again"
            )
        lost = "What the home stored since the upgrade, and the cloud does not have, is set aside in mirror-after-upgrade.db"
    # The mirror first: the new version reads the old mirror, the old one not the new.
    _at("put-back")
    _place_unit(place, plan.source)
    if is_switched:
        _forget_crashes(place)
        _link(place.prefix / "current", plan.source)
        (place.prefix / "before").unlink(missing_ok=True)
    _at("returned")
    return Verdict(is_well=False, reason=f"{plan.reason}. {lost}".strip() if lost else plan.reason)


def _told(place: Place, plan: Plan, verdict: Verdict) -> Verdict:
    now = place.linked("current")
    _note(
        place.outcome,
        {
            "from": plan.source,
            "to": plan.target,
            "runs": now,
            "is_well": verdict.is_well,
            "was_asked_for": plan.reason == "asked for",
            "reason": verdict.reason,
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        },
    )
    _at("told")
    place.plan.unlink()
    if verdict.is_well:
        stay = {now, place.linked("before")}
        for each in place.prefix.glob("[0-9]*"):
            if each.name not in stay and not each.is_symlink():
                say(f"removing old version {each.name}")
                shutil.rmtree(each, ignore_errors=True)
    return verdict


def _place_unit(place: Place, version: str) -> None:
    unit = place.prefix / version / "share/systemd" / AGENT
    there = place.units / AGENT
    if unit.exists() and not (there.exists() and there.read_text() == unit.read_text()):
        _write(there, unit.read_text())


def _link(link: Path, to: str) -> None:
    draft = link.with_name(f"{link.name}.new")
    draft.unlink(missing_ok=True)
    draft.symlink_to(to)
    draft.replace(link)
    _sync(link.parent)


def _note(path: Path, body: object) -> None:
    """For what helps, and must not stop anything on a full disk."""
    try:
        _write(path, body)
    except OSError as err:
        say(f"{path} cannot be written: {err.strerror or err}")


def _write(path: Path, body: object) -> None:
    """Whole or not at all, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    with draft.open("w", encoding="utf-8") as out:
        out.write(body if isinstance(body, str) else json.dumps(body, indent=1) + "\n")
        out.flush()
        os.fsync(out.fileno())
    draft.chmod(0o644)
    draft.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _read_plan(place: Place) -> Plan:
    return Plan(**json.loads(place.plan.read_text()))


def _at(step: str) -> None:
    if os.environ.get("NEXA_KILL_AT") == step:
        os.kill(os.getpid(), signal.SIGKILL)


# Telling the person who waits.


def follow(place: Place, plan: Plan) -> int:
    """Waits until the new version answers, or the old one is back. The watching goes on without us."""
    socket = Socket(place.socket)
    until = time.monotonic() + 300
    while time.monotonic() < until:
        if not place.plan.exists():
            return told(place)
        if place.linked("current") == plan.target and plan.stage == "forward" and socket.is_live():
            if plan.source:
                say(
                    f"running version {plan.target}; it is watched for {plan.watch_s} s, and {plan.source} comes back if it is not well"
                )
            return 0
        time.sleep(0.5)
    say("this takes long; see: journalctl -u nexa-hub -u nexa-hub-upgrade")
    return 1


def told(place: Place) -> int:
    try:
        body = json.loads(place.outcome.read_text())
    except (OSError, ValueError):
        say("how it ended could not be written down; see: journalctl -u nexa-hub-upgrade")
        return 1
    if body["is_well"]:
        return 0
    if body["was_asked_for"]:
        say(f"back at version {body['runs']}. {body['reason'].removeprefix('asked for').lstrip('. ')}".rstrip())
        return 0
    say(f"version {body['to']} did not become well: {body['reason']}")
    say(f"version {body['runs']} runs" if body["runs"] != body["to"] else "see: journalctl -u nexa-hub -n 30")
    return 1


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=Path, default=Path("/"))
    parser.add_argument("--watch-s", type=int, default=180)
    parser.add_argument("--no-start", action="store_true")
    parser.add_argument("action", choices=("to", "back", "resume"))
    parser.add_argument("version", nargs="?", default="")
    given = parser.parse_args()
    if (given.action == "to") != bool(given.version):
        parser.error("to goes with a version, and nothing else does")
    place, service = Place(given.root), Service(is_started=not given.no_start)
    place.prefix.mkdir(parents=True, exist_ok=True)
    if given.action == "resume":
        with (place.prefix / "upgrade.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if place.plan.exists():
                carry_out(place, service, Limits(watch_s=_read_plan(place).watch_s))
                told(place)
        return 0
    try:
        plan = _plan(place, service, given.version, given.watch_s)
    except Refused as err:
        say(str(err))
        return 1
    if plan is None:
        service.restart()
        return 0
    service.get_ready()
    try:
        _write(place.plan, asdict(plan))
    except OSError as err:
        say(f"{place.plan} cannot be written ({err.strerror or err}): nothing was changed. Is the disk full?")
        return 1
    _at("planned")
    if service.is_started:
        service.hand_over()
        return follow(place, plan)
    carry_out(place, service, Limits())
    return told(place)


def _plan(place: Place, service: Service, version: str, watch_s: int) -> Plan | None:
    """To `version`, or back where it is empty; None: it is there already, watched or not. Raises Refused."""
    if version and place.linked("current") == version:
        return None
    if place.plan.exists() and not _is_finished(place, service):
        raise Refused("an upgrade is under way; run this again when it is done: systemctl status nexa-hub-upgrade")
    return plan_to(place, version, watch_s) if version else plan_back(place, watch_s)


def _is_finished(place: Place, service: Service) -> bool:
    """An earlier installer may have been killed before it handed its plan over."""
    if service.is_started:
        service.hand_over()
        return False
    carry_out(place, service, Limits())
    return True


if __name__ == "__main__":
    sys.exit(main())
