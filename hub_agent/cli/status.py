"""nexa-hub status"""

import click

from hub_agent.cli.link import Json, Link, as_json_option, home_time, print_json


@click.command(name="status")
@as_json_option
@click.pass_obj
def command(socket: str | None, as_json: bool) -> None:
    """How the agent, its broker and its cloud are."""
    status = Link(socket).get("status")
    if as_json:
        print_json(status)
        return
    agent, counts, inbox = status["agent"], status["counts"], status["inbox"]
    memory = agent["memory_bytes"] / 1024 / 1024
    click.echo(f"nexa-hub {agent['version']}, running for {_span(agent['uptime_s'])}, {memory:.0f} MiB of memory")
    click.echo(f"home     {status['home']['name']} ({status['home']['timezone']})")
    is_connected = status["broker"]["is_connected"]
    click.echo(f"broker   {status['broker']['address']}: {'connected' if is_connected else 'NOT connected'}")
    click.echo(f"cloud    {status['cloud']['text']}")
    click.echo(f"page     {_page(status['page'])}")
    click.echo(
        f"there are {counts['devices']} devices with {counts['entities']} entities, {counts['automations']} automations, "
        f"{counts['scenes']} scenes and {counts['issues']} issues"
    )
    click.echo(f"handled  {inbox['handled']} messages, {inbox['waiting']} waiting, {inbox['rejected']} not understood")
    figures = {each["name"]: each["value"] for each in status["vitals"]["figures"]}
    if "agent_writes_a_day" in figures:
        of_all = f", everything on it {figures['card_writes_a_day']:.0f}" if "card_writes_a_day" in figures else ""
        click.echo(f"disk     the hub writes {figures['agent_writes_a_day']:.0f} MiB a day{of_all}")
    if (mode := status["safe_mode"]) is not None:
        click.echo(
            f"SAFE MODE since {home_time(mode['since'])}; left out: {', '.join(mode['left_out'])}. See: nexa-hub safe-mode"
        )
    if not status["clock"]["is_trusted"]:
        click.echo("clock    not synchronised: records are dated right once it is")


def _page(page: Json) -> str:
    certificate = page["certificate"]
    if certificate is None:
        return "http only; whoever listens on the network hears what is said"
    whose = "the hub's own certificate" if page["tls"] == "own" else "the given certificate"
    until = f" until {certificate['until'][:10]}" if certificate["until"] else ""
    plain = "http, and https" if page["plain"] else "https"
    compare = f"; SHA-256 of its authority {certificate['fingerprint']}" if certificate["fingerprint"] else ""
    problem = f". NOT well: {certificate['problem']}" if certificate["problem"] else ""
    return f"{plain} with {whose}{until}{compare}{problem}"


def _span(seconds: float) -> str:
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{seconds:.0f} s"
