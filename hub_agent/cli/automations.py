"""nexa-hub automations"""

from urllib.parse import quote

import click

from hub_agent.cli.automations_changed import COMMANDS
from hub_agent.cli.link import Json, Link, as_json_option, home_time, print_json, print_table
from hub_agent.cli.words import short, trigger_words
from hub_agent.errors import NotFound


@click.group(name="automations")
def command() -> None:
    """List automations and their runs, switch and change them; show a run's trace; explain why one did not run; try one on the past."""


for each_command in COMMANDS:
    command.add_command(each_command)


@command.command(name="list")
@as_json_option
@click.pass_obj
def list_automations(socket: str | None, as_json: bool) -> None:
    """Every automation, and what keeps it from running."""
    automations = Link(socket).get("automations")
    if as_json:
        print_json(automations)
        return
    rows = [
        (
            each["name"],
            _is(each),
            each["next_at"],
            each["mode"],
            each["last_triggered_at"],
            each["problem"] or each["last_status"],
        )
        for each in automations
    ]
    print_table(rows, ("NAME", "IS", "NEXT", "MODE", "LAST TRIGGERED", "OUTCOME"))


@command.command(name="runs")
@click.argument("name", required=False)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500))
@as_json_option
@click.pass_obj
def runs(socket: str | None, name: str | None, limit: int, as_json: bool) -> None:
    """The latest runs, of all automations or of one."""
    link = Link(socket)
    listed = link.get("runs", automation_id=_id_of(link, name) if name else None, limit=limit)
    if as_json:
        print_json(listed)
        return
    rows = [
        (each["id"][:8], each["started_at"], each["duration_ms"], each["status"], each["automation"]) for each in listed
    ]
    print_table(rows, ("RUN", "STARTED", "MS", "STATUS", "AUTOMATION"))


@command.command(name="trace")
@click.argument("run")
@as_json_option
@click.pass_obj
def trace(socket: str | None, run: str, as_json: bool) -> None:
    """The story of a run: trigger, conditions with the values they saw, steps with time and result."""
    body = Link(socket).get(f"runs/{quote(run, safe='')}")
    if as_json:
        print_json(body)
        return
    click.echo(f"{body.get('automation')}: {body.get('status')} ({body.get('duration_ms')} ms)")
    click.echo(
        f"triggered by {body.get('triggered_by')} at {body.get('started_at')}: {trigger_words(body.get('trigger') or {})}"
    )
    if body.get("error"):
        click.echo(f"because: {body['error']}")
    rows = [
        (step.get("at"), step.get("path"), _what(step), step.get("result"), _details(step))
        for step in body.get("steps", [])
    ]
    print_table(rows, ("AT", "STEP", "WHAT", "RESULT", "DETAILS"))


@command.command(name="explain")
@click.argument("name")
@click.option("--at", metavar="TIME", help="About then: 07:30 (the latest), '2026-01-14 07:30', or with an offset.")
@as_json_option
@click.pass_obj
def explain(socket: str | None, name: str, at: str | None, as_json: bool) -> None:
    """Why an automation did not run, now or at a time: triggers, conditions, pauses and what was refused."""
    body = Link(socket).get(f"automations/{quote(name, safe='')}/explanation", at=at)
    if as_json:
        print_json(body)
        return
    click.echo(f"{body['name']}: {body['summary']}")
    for reason in body["reasons"]:
        if reason["text"] != body["summary"]:
            click.echo(f"- {reason['text']}")
    for title, key in (("last run", "last_run"), ("last refused", "last_refusal")):
        found = body[key]
        click.echo(f"{title}: {_occasion(found) if found else 'none is kept'}")
    for text in body["not_known"]:
        click.echo(f"not known: {text}")


@command.command(name="replay")
@click.argument("rule", metavar="NAME|FILE")
@click.option("--since", default="7d", show_default=True, metavar="TIME", help="7d, 36h, 07:30 or '2026-01-14 07:30'.")
@click.option("--until", metavar="TIME", help="Until then instead of now.")
@as_json_option
@click.pass_obj
def replay(socket: str | None, rule: str, since: str, until: str | None, as_json: bool) -> int:
    """When a rule would have run over the recorded past of this home, and what it would have done, next to what really happened.

    NAME is an automation of this home; FILE (.yaml, .yml, .json) holds one that is only a file yet, or several. Nothing is done in the home.

    Exit codes: 0 the rule was replayed, 1 it could not be, 2 the file cannot be read or holds no automation that can run.
    """
    from hub_agent.cli.replay import is_file, replay_file, replay_known

    if is_file(rule):
        return replay_file(Link(socket), rule, since, until, as_json=as_json)
    replay_known(Link(socket), rule, since, until, as_json=as_json)
    return 0


@command.command(name="check")
@click.argument("name", required=False)
@as_json_option
@click.pass_obj
def check(socket: str | None, name: str | None, as_json: bool) -> None:
    """Whether an automation can still do what it is for; without NAME all that cannot, the worst first."""
    link = Link(socket)
    found = [link.get(f"automations/{quote(name, safe='')}/health")] if name else link.get("automations/health")
    if as_json:
        print_json(found[0] if name else found)
        return
    if not found:
        click.echo("Nothing is wrong with any automation.")
    for each in found:
        click.echo(f"{each['name']}: {each['health_status']} ({each['health_score']} of 100)")
        places_by_finding: dict[tuple[str, str], list[str]] = {}
        for finding in [*each["issues"], *each["warnings"]]:
            places_by_finding.setdefault((finding["severity"], finding["text"]), []).append(finding.get("path") or "")
        for (severity, text), places in places_by_finding.items():
            click.echo(f"- {severity}: {text}{_places(places)}")
        for text, is_automatic in {fix["text"]: fix["is_automatic"] for fix in each["recommended_fixes"]}.items():
            how = f" Do it with: nexa-hub automations repair '{each['name']}'" if is_automatic else ""
            click.echo(f"  fix: {text}{how}")


@command.command(name="repair")
@click.argument("name")
@as_json_option
@click.pass_obj
def repair(socket: str | None, name: str, as_json: bool) -> None:
    """Put right what can be put right by itself: entities that have another name now."""
    answer = Link(socket).post(f"automations/{quote(name, safe='')}/repair")
    if as_json:
        print_json(answer)
        return
    for each in answer["repaired"]:
        click.echo(f"{each['replaced']} is {each['by']} now.")
    if not answer["repaired"]:
        click.echo("There is nothing that can be put right by itself. See: nexa-hub automations check")


def _is(automation: Json) -> str:
    if automation["is_paused"]:
        until = automation["paused_until"]
        return f"paused until {home_time(until)}" if until else "paused"
    return "on" if automation["is_enabled"] else "off"


def _places(paths: list[str]) -> str:
    if not paths[0]:
        return ""
    others = "" if len(paths) == 1 else f" and {len(paths) - 1} more place{'s' if len(paths) > 2 else ''}"
    return f" ({paths[0]}{others})"


def _id_of(link: Link, name: str) -> str:
    wanted = name.casefold()
    automations = link.get("automations")
    for each in automations:
        if wanted in {each["id"], each["entity_id"], each["name"].casefold()}:
            return str(each["id"])
    raise NotFound(f"There is no automation '{name}'. List them with: nexa-hub automations list")


def _occasion(told: Json) -> str:
    run = f" (trace {told['run_id'][:8]})" if told.get("run_id") else ""
    return f"{home_time(told['started_at'])}, {told['status']}{run}"


def _what(step: Json) -> str:
    if not step.get("action"):
        return str(step.get("kind") or "")
    return " ".join([step["action"], *step.get("target", [])])


def _details(step: Json) -> str:
    if step.get("error"):
        return str(step["error"])
    if step.get("values"):
        return ", ".join(f"{name} = {short(value)}" for name, value in step["values"].items())
    if step.get("until"):
        return f"until {home_time(step['until'])}"
    told = step.get("event") or ", ".join(step.get("names", ())) or step.get("reason") or short(step.get("data") or "")
    return f"{told} ({step['duration_ms']} ms)".lstrip() if step.get("duration_ms") else str(told)
