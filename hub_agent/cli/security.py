"""nexa-hub security"""

import time

import click

from hub_agent.cli.link import Json, Link, as_json_option, home_time, print_json

# A look takes some seconds for each device that does not answer.
LOOK_S_MAX = 3600.0
ASK_EVERY_S = 2.0


@click.group(name="security", invoke_without_command=True)
@as_json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """What is open in the home and what to do, who was refused too often, who may come in. Exit code 1 if anything is to be done."""
    if ctx.invoked_subcommand is None:
        _show(Link(ctx.obj).get("security"), as_json=as_json)


@command.command(name="scan")
@click.option("--no-wait", is_flag=True, help="Begin, and do not wait for the end.")
@as_json_option
@click.pass_obj
def scan(socket: str | None, no_wait: bool, as_json: bool) -> None:
    """Look at the home now: which of a few ports are open at its own devices. No password is tried."""
    link = Link(socket)
    begun = link.post("security/scan", {})
    if no_wait:
        print_json(begun) if as_json else click.echo("The hub looks at the home; see: nexa-hub security")
        return
    until_s = time.monotonic() + LOOK_S_MAX
    found = link.get("security")
    while found["scans"]["running_id"] == begun["scan_id"] and time.monotonic() < until_s:
        time.sleep(ASK_EVERY_S)
        found = link.get("security")
    _show(found, as_json=as_json)


def _show(found: Json, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        _print(found)
    last = found["scans"]["last"]
    has_failed = last is not None and last["status"] == "failed"
    if has_failed or any(each["rank"] != "info" for each in found["vulnerabilities"]) or found["incidents"]:
        raise click.exceptions.Exit(1)


def _print(found: Json) -> None:
    scans = found["scans"]
    last = scans["last"]
    if last is None:
        click.echo("The home was not looked at yet." if scans["is_on"] else "Looking is switched off: security.scan.")
    elif last["status"] == "failed":
        click.echo(
            f"The last look at the home ({home_time(last['ended_at'])}) failed: {last['error'] or 'it did not come to its end'}"
        )
    else:
        click.echo(
            f"Grade {found['grade']} (risk {found['risk_score']} of 100), looked at {home_time(last['ended_at'])}."
        )
    for each in found["vulnerabilities"]:
        click.echo(f"\n{each['rank'].upper():8}  {each['title']}\n          {each['text']}\n          {each['advice']}")
    for each in found["incidents"]:
        click.echo(f"\n{each['severity'].upper():8}  {each['title']} (since {home_time(each['since'])})")
        click.echo(f"          {each['text']}\n          {each['advice']}")
    if found["rules"]:
        click.echo("\nNetwork access rules, in their order:")
    for each in found["rules"]:
        state = "in force" if each["is_enforced"] else f"NOT ENFORCED: {each['reason']}"
        click.echo(f"{each['verdict']:6} {each['name']} ({each['hit_count']} times): {state}")
