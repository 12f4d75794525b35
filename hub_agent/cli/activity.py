"""nexa-hub activity"""

import time

import click

from hub_agent.cli.link import Json, Link, as_json_option, home_time, print_json

KINDS = (
    "command", "scene", "automation", "device", "definition", "access", "setting", "healing", "alert", "security",
)  # fmt: skip
EVERY_S = 2.0


@click.command(name="activity")
@click.option("--kind", type=click.Choice(KINDS), help="Only entries of this kind.")
@click.option("--who", help="Only by people, automations ...: person, automation, device, scene, healing, cloud, hub.")
@click.option("--device", help="Only of this device, by name or id.")
@click.option("--limit", type=click.IntRange(1, 500), default=30, show_default=True, help="How many, the latest.")
@click.option("--follow", is_flag=True, help="Go on with what happens, until Ctrl-C.")
@as_json_option
@click.pass_obj
def command(  # noqa: PLR0917 each is an option
    socket: str | None,
    kind: str | None,
    who: str | None,
    device: str | None,
    limit: int,
    follow: bool,
    as_json: bool,
) -> None:
    """What happened in the home and who did it, the latest last."""
    link = Link(socket)
    asked = {"kind": kind, "who": who, "device": _id_of(link, device)}
    body = link.get("activity", limit=limit, **asked)
    if as_json and not follow:
        print_json(body["entries"])
        return
    _say(body["entries"], as_json=as_json)
    if not body["entries"] and not follow:
        click.echo("Nothing like that has happened.")
    last = max((each["id"] for each in body["entries"]), default=0)
    while follow:
        time.sleep(EVERY_S)
        news = link.get("activity", after=last, limit=500, **asked)["entries"]
        _say(news, as_json=as_json)
        last = max([last, *(each["id"] for each in news)])


def _say(entries: Json, *, as_json: bool) -> None:
    for each in reversed(entries):
        if as_json:
            print_json(each)
            continue
        failed = f" ({each['failed']})" if each["failed"] else ""
        click.echo(f"{home_time(each['at'])}  {each['text']}{failed}")


def _id_of(link: Link, name: str | None) -> str | None:
    if name is None:
        return None
    wanted = name.casefold()
    found = [each["id"] for each in link.get("devices") if wanted in {each["id"], each["name"].casefold()}]
    return found[0] if found else name
