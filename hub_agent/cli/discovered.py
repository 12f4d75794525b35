"""nexa-hub devices found | add | ignore | identify | reboot: what was met on the network, and what it needs."""

import getpass
import sys
from collections.abc import Iterable, Mapping

import click

from hub_agent.cli.link import Json, Link, as_json_option, print_json, print_table
from hub_agent.errors import NotFound, NotPossible, PersonNeeded

TRIES_MAX = 3

_ASKED = {
    "code": "Code",
    "key": "Key",
    "password": "Password",
    "username": "User name",
}


def add_to(devices: click.Group) -> None:
    for each in (found, add, ignore, identify, reboot):
        devices.add_command(each)


@click.command(name="found")
@click.option("--all", "shows_all", is_flag=True, help="Also what nothing here can talk to, and what is ignored.")
@as_json_option
@click.pass_obj
def found(socket: str | None, shows_all: bool, as_json: bool) -> None:
    """What was met on the network: connected, waiting for you, or not supported."""
    things = Link(socket).get("discovered")
    if as_json:
        print_json(things)
        return
    shown = [each for each in things if shows_all or each["status"] not in {"unsupported", "ignored"}]
    left_out = len(things) - len(shown)
    if shown:
        rows = [(each["name"], _kind(each), each["dialect"], each["address"], _standing(each)) for each in shown]
        print_table(rows, ("NAME", "KIND", "DIALECT", "ADDRESS", "STATUS"))
    else:
        click.echo(
            "Nothing was met on the network yet. One at a known address: nexa-hub devices add shelly://192.168.1.30"
        )
    if left_out:
        click.echo(f"{left_out} more that nothing here talks to: nexa-hub devices found --all")


@click.command(name="add")
@click.argument("what")
@as_json_option
@click.pass_obj
def add(socket: str | None, what: str, as_json: bool) -> None:
    """Take up something that was found, or that is at an address: nexa-hub devices add shelly://192.168.1.30

    What it needs (a code, a key, a press of its button) is asked for; without a terminal it is read from standard input, a line each.
    """
    link = Link(socket)
    added = _added(link, what)
    if as_json:
        print_json(added)
    else:
        count = len(added["devices"])
        click.echo(f"{added['name']}: {_standing(added)}" + (f", {count} devices" if count > 1 else ""))
    if added["status"] in {"lost", "needs"}:
        raise click.exceptions.Exit(1)


@click.command(name="ignore")
@click.argument("what")
@click.option("--forget", is_flag=True, help="Only forget it: met again, it is taken up again.")
@click.pass_obj
def ignore(socket: str | None, what: str, forget: bool) -> None:
    """End the connection to something that was found, and delete its secrets."""
    Link(socket).post("discovered/forget", {"what": what, "is_ignored": not forget})
    click.echo(f"{what} is {'forgotten' if forget else 'ignored from now on'}.")


@click.command(name="identify")
@click.argument("name")
@click.pass_obj
def identify(socket: str | None, name: str) -> None:
    """Have a device show which one it is: it blinks or beeps."""
    _press(Link(socket), name, "identify", "show itself")


@click.command(name="reboot")
@click.argument("name")
@click.pass_obj
def reboot(socket: str | None, name: str) -> None:
    """Restart a device by its own means."""
    _press(Link(socket), name, "restart", "be restarted from here")


def _added(link: Link, what: str) -> Json:
    """Asks for what is needed, and again where it was wrong."""
    given: Mapping[str, str] = {}
    for _ in range(TRIES_MAX):
        try:
            return link.post("discovered/add", {"what": what, "given": given}, timeout_s=ADDING_S_MAX)
        except PersonNeeded as needed:
            click.echo(str(needed), err=True)
            if not needed.fields and needed.kind != "button":
                raise click.exceptions.Exit(1) from needed
            given = _asked(needed.fields)
    return link.post("discovered/add", {"what": what, "given": given}, timeout_s=ADDING_S_MAX)


# Longer than pairing may take.
ADDING_S_MAX = 200.0


def _asked(fields: Iterable[str]) -> dict[str, str]:
    given = {field: _read(_ASKED.get(field, field)) for field in fields}
    if not given:
        _read("Done? Press Enter")
    return given


def _read(words: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"{words}: ")
    line = sys.stdin.readline()
    if not line:
        raise click.UsageError(f"{words} is needed: run this in a terminal, or give it on standard input.")
    return line.rstrip("\n")


def _press(link: Link, name: str, device_class: str, words: str) -> None:
    devices = link.get("devices")
    wanted = name.strip().casefold().replace(" ", "_")
    device = next((each for each in devices if wanted in {each["id"], each["name"].casefold().replace(" ", "_")}), None)
    if device is None:
        raise NotFound(f"There is no device '{name}'. List them with: nexa-hub devices")
    button = next(
        (
            each["id"]
            for each in device["entities"]
            if (each["domain"], each["device_class"]) == ("button", device_class)
        ),
        None,
    )
    if button is None:
        raise NotPossible(f"{device['name']} cannot {words}.")
    answer = link.post("call", {"action": "button.press", "target": [button], "data": {}})
    failed = next((each for each in answer["commands"] if each["outcome"] in {"failed", "expired"}), None)
    if failed is not None:
        raise NotPossible(f"{device['name']}: {failed['error']}")
    click.echo(f"{device['name']}: asked")


def _kind(thing: Json) -> str:
    named = " ".join(part for part in (thing["brand"], thing["model"]) if part)
    return named or thing["device_type"]


def _standing(thing: Json) -> str:
    if thing["needs"]:
        return f"needs you: {thing['needs']['text']}"
    return f"{thing['status']}: {thing['reason']}" if thing["reason"] else str(thing["status"])
