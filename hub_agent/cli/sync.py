"""nexa-hub sync"""

from urllib.parse import quote

import click

from hub_agent.cli.link import Json, Link, as_json_option, home_time, print_json, print_table


@click.group(name="sync")
def command() -> None:
    """The link to the cloud."""


@command.command(name="status")
@as_json_option
@click.pass_obj
def status(socket: str | None, as_json: bool) -> None:
    """What is going on between this hub and the cloud, in words."""
    sync = Link(socket).get("sync")
    if as_json:
        print_json(sync)
        return
    click.echo(sync["text"])
    for line in sync["lines"]:
        click.echo(f"  {line}")
    if sync["streams"]:
        rows = [
            (each["stream"], each["waiting"], each["last"], each["acknowledged"], each["acknowledged_at"])
            for each in sync["streams"]
            if each["last"]
        ]
        print_table(rows, ("STREAM", "WAITING", "NEWEST", "ACKNOWLEDGED", "LAST AT"))


@command.command(name="verify")
@click.option("--days", type=click.IntRange(1, 400), default=8, show_default=True, help="So many days back.")
@click.option("--stream", help="Only this stream of records (device_telemetry ...).")
@as_json_option
@click.pass_obj
def verify(socket: str | None, days: int, stream: str | None, as_json: bool) -> int:
    """Compare what hub and cloud hold, and send again what the cloud lost.

    Exit codes: 0 hub and cloud agree (now), 1 something still differs or could not be compared.
    """
    from hub_agent.cli.replay import followed

    body = followed(Link(socket).lines("POST", "sync/verify", {"days": days, "stream": stream}), "verified")
    if as_json:
        print_json(body)
    else:
        _print_verified(body)
    return 0 if body["is_agreed"] else 1


def _print_verified(body: Json) -> None:
    click.echo(f"{home_time(body['since'])} to {home_time(body['until'])}: {body['text']}")
    rows = [
        (each["stream"], each["records"], each["missing"], each["repaired"], each["refused"], each["still"])
        for each in body["streams"]
        if each["records"]
    ]
    if rows:
        print_table(rows, ("STREAM", "RECORDS", "MISSING", "REPAIRED", "REFUSED", "STILL DIFFERENT"))
    for each in body["streams"]:
        for reason, count in each["reasons"].items():
            click.echo(f"refused in the cloud: {count} of {each['stream']}: {reason}")


@command.command(name="conflicts")
@as_json_option
@click.pass_obj
def conflicts(socket: str | None, as_json: bool) -> None:
    """What hub and cloud both changed and nobody has decided, both values side by side."""
    found = Link(socket).get("sync/conflicts")
    if as_json:
        print_json(found)
    elif not found:
        click.echo("Hub and cloud agree about everything.")
    else:
        for each in found:
            _print_conflict(each)
        click.echo("The home goes on with the hub's. Decide with: nexa-hub sync decide NAME hub|cloud")


def _print_conflict(conflict: Json) -> None:
    click.echo(f"{conflict['name']} ({conflict['kind']}, {conflict['id']}), since {home_time(conflict['since'])}")
    for field in conflict["fields"]:
        click.echo(f"  {field['field']}: {field['label']}")
        for side in ("hub", "cloud"):
            by, at = conflict[side]["by"], conflict[side]["at"]
            changed = ", ".join(filter(None, (by and f"by {by}", at and home_time(at))))
            click.echo(f"    {side}" + (f" ({changed})" if changed else ""))
            for line in field[side]["text"]:
                click.echo(f"      {line}")


@command.command(name="decide")
@click.argument("name")
@click.argument("side", type=click.Choice(["hub", "cloud"]))
@click.option("--field", "fields", multiple=True, help="Only this field; may be given more than once.")
@as_json_option
@click.pass_obj
def decide(socket: str | None, name: str, side: str, fields: tuple[str, ...], as_json: bool) -> None:
    """Decide a conflict, by name or id, for what the hub or what the cloud has."""
    body = {"fields": dict.fromkeys(fields, side)} if fields else {"side": side}
    answer = Link(socket).post(f"sync/conflicts/{quote(name, safe='')}/decide", body)
    if as_json:
        print_json(answer)
        return
    click.echo(
        f"{answer['name']}: {', '.join(answer['decided'])} as the {side} has it. What gave way is kept: nexa-hub sync lost"
    )
    if answer["left"]:
        click.echo(f"Still to be decided: {', '.join(answer['left'])}")


@command.command(name="lost")
@click.option("--put-back", metavar="ID", help="Put this value back.")
@click.option("--forget", metavar="ID", help="This value is not needed any more.")
@as_json_option
@click.pass_obj
def lost(socket: str | None, put_back: str | None, forget: str | None, as_json: bool) -> None:
    """Values that gave way when both sides changed something: list them, put one back, or forget it."""
    link = Link(socket)
    if chosen := put_back or forget:
        answer = link.post(f"sync/lost/{quote(chosen, safe='')}", {"put_back": bool(put_back)})
        click.echo(f"{answer['name']}: {answer['field']} {'is put back' if put_back else 'is forgotten'}.")
        return
    found = link.get("sync/lost")
    if as_json:
        print_json(found)
    elif not found:
        click.echo("No value had to give way.")
    elif found:
        click.echo("Take one back with: nexa-hub sync lost --put-back ID; clear it away with --forget ID")
    for each in () if as_json else found:
        click.echo(
            f"{each['id']}  {each['name']}: {each['label']}, as the {each['of']} had it; {each['why']}, {home_time(each['at'])}"
        )
        for line in each["text"]:
            click.echo(f"      {line}")
