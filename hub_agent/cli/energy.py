"""nexa-hub energy"""

from urllib.parse import quote

import click

from hub_agent.cli.link import Json, Link, as_json_option, print_json, print_table

PERIODS = ("day", "month", "year")
ROLES = ("device", "grid", "solar", "battery", "ignored")
BAR = 40
_FLOWS = {
    "grid_wh": "from the grid",
    "returned_wh": "to the grid",
    "solar_wh": "from the sun",
    "charged_wh": "into batteries",
    "discharged_wh": "out of batteries",
}


@click.command(name="energy")
@click.argument("period", type=click.Choice(PERIODS), default="day")
@click.option("--day", help="A day of the period, like 2026-01-14; default: today.")
@click.option("--measures", nargs=2, type=(str, click.Choice(ROLES)), help="DEVICE ROLE: say what a meter measures.")
@as_json_option
@click.pass_obj
def command(socket: str | None, period: str, day: str | None, measures: tuple[str, str] | None, as_json: bool) -> None:
    """What the home used in a day, a month or a year, and which devices used it.

    A meter measures a device, the grid, solar panels or a battery; what is ignored does not count (it is measured elsewhere already).
    """
    link = Link(socket)
    if measures is not None:
        name, role = measures
        body = link.put(f"energy/devices/{quote(name, safe='')}", {"role": role})
    else:
        body = link.get("energy", period=period, day=day)
    if as_json:
        print_json(body)
    elif measures is not None:
        click.echo(f"{body['name']}: {body['role']}")
    else:
        _say(body)


def _say(body: Json) -> None:
    home, before = body["home"], body["before_so_far"]
    if home["used_wh"] is None:
        click.echo(f"Nothing is known of this {body['period']}.")
        return
    than = (
        ""
        if before["used_wh"] is None
        else f" (the {body['period']} before{_by_then(body)}: {_kwh(before['used_wh'])})"
    )
    click.echo(f"{_kwh(home['used_wh'])} used{than}")
    told = [f"{_kwh(home[name])} {words}" for name, words in _FLOWS.items() if home[name]]
    if told:
        click.echo(", ".join(told))
    click.echo()
    most = max((each["used_wh"] or 0 for each in body["parts"]), default=0)
    for each in body["parts"]:
        if each["used_wh"] is not None:
            bar = "█" * round(BAR * each["used_wh"] / most) if most else ""
            click.echo(f"{_when(each['begins'], body['period'])}  {_kwh(each['used_wh']):>11}  {bar}".rstrip())
    rows = [(each["name"] or "(gone)", each["role"], _kwh(each["used_wh"])) for each in body["devices"]]
    if rows:
        click.echo()
        print_table(rows, ("device", "measures", "used"))


def _by_then(body: Json) -> str:
    return ", by now" if body["is_now"] else ""


def _when(begins: str, period: str) -> str:
    """The home's own time, as the hub says it."""
    return begins[11:16] if period == "day" else begins[:10] if period == "month" else begins[:7]


def _kwh(wh: float) -> str:
    return f"{wh:.0f} Wh" if wh < 1000 else f"{wh / 1000:.2f} kWh"
