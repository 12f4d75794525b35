"""nexa-hub health"""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import click

from hub_agent.cli.link import Json, Link, as_json_option, print_json, print_table

_YES_NO = {"yes": True, "no": False}


class _DeviceOrCommand(click.Group):
    """`nexa-hub health LAMP`: what is no command is a device."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            return "show", self.commands["show"], args
        return super().resolve_command(ctx, args)


@click.group(name="health", cls=_DeviceOrCommand, invoke_without_command=True)
@as_json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """How well the devices are: `nexa-hub health [DEVICE]`; what is wrong, what was tried, what is next; answer, try, declare."""
    if ctx.invoked_subcommand is None:
        _list(ctx.obj, as_json=as_json)


@command.command(name="show")
@click.argument("device")
@as_json_option
@click.pass_obj
def show(socket: str | None, device: str, as_json: bool) -> None:
    """What the score of a device is made of, what is wrong with it, and what would be tried."""
    body = Link(socket).get(f"health/devices/{_quoted(device)}")
    if as_json:
        print_json(body)
        return
    click.echo(f"{body['name']}: {body['score']} of 100, {_state(body)}")
    for factor in body["factors"]:
        click.echo(f"- {factor['text']} (-{factor['points']:g})")
    _show_trouble(body)
    for remedy in body["plan"]:
        click.echo(f"  {_verdict(remedy)}")
    _show_wishes(body["wishes"], {})


@command.command(name="approve")
@click.argument("question", metavar="ID")
@click.pass_obj
def approve(socket: str | None, question: str) -> None:
    """Say yes to a remedy that waits for you."""
    Link(socket).post(f"health/answers/{_quoted(question)}", {"is_approved": True})
    click.echo("Approved. See what comes of it with: nexa-hub health")


@command.command(name="refuse")
@click.argument("question", metavar="ID")
@click.pass_obj
def refuse(socket: str | None, question: str) -> None:
    """Say no to a remedy that waits for you."""
    Link(socket).post(f"health/answers/{_quoted(question)}", {"is_approved": False})
    click.echo("Refused: it is not tried.")


@command.command(name="try")
@click.argument("device")
@click.argument("remedy", required=False)
@click.option("--dry-run", is_flag=True, help="Only say what would be done, and what not and why.")
@click.option("--if", "symptom", metavar="SYMPTOM", help="As if it had this symptom, such as device_silent (implies --dry-run).")  # fmt: skip
@click.option("--force", is_flag=True, help="Also in quiet hours, and on what is in use.")
@as_json_option
@click.pass_obj
def attempt(
    socket: str | None,
    device: str,
    remedy: str | None,
    *,
    dry_run: bool,
    symptom: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Try a remedy on what is wrong with a device now; without REMEDY say which there are."""
    link = Link(socket)
    if dry_run or symptom or remedy is None:
        plan = link.get(f"health/devices/{_quoted(device)}/plan", symptom=symptom)
        if remedy is not None:
            plan["remedies"] = [each for each in plan["remedies"] if each["remedy"] == remedy]
        if as_json:
            print_json(plan)
        else:
            for each in plan["remedies"]:
                click.echo(_verdict(each))
        return
    body = link.post(f"health/devices/{_quoted(device)}/try", {"remedy": remedy, "is_forced": force})
    if as_json:
        print_json(body)
    else:
        click.echo(
            f"{body['words'].capitalize()} is being tried. See what comes of it with: nexa-hub health '{device}'"
        )


@command.command(name="history")
@click.argument("device", required=False)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500))
@click.option("--rates", is_flag=True, help="How often each remedy has helped, instead.")
@as_json_option
@click.pass_obj
def history(socket: str | None, device: str | None, limit: int, rates: bool, as_json: bool) -> None:
    """What healing did, the newest first; of all devices or of one."""
    link = Link(socket)
    if rates:
        _show_rates(link.get("health/rates"), as_json=as_json)
        return
    done = link.get("health/history", device=device, limit=limit)
    if as_json:
        print_json(done)
    elif not done:
        click.echo("Nothing had to be healed yet.")
    else:
        rows = [(each["at"], each["name"] or each["device_id"], each["words"], each["outcome"], each["error"] or each["issue"]) for each in done]  # fmt: skip
        print_table(rows, ("AT", "DEVICE", "TRIED", "OUTCOME", "BECAUSE"))


@command.command(name="wishes")
@click.argument("device", required=False)
@click.option("--never-touch", type=click.Choice([*_YES_NO]), help="DEVICE: nothing is ever tried on it.")
@click.option("--ask-first", type=click.Choice([*_YES_NO]), help="DEVICE: you are asked before what is not harmless.")
@click.option("--powered-by", metavar="PLUG", help="DEVICE: the plug that feeds it; 'none' takes it back.")
@click.option("--hangs-on", metavar="OTHER", multiple=True, help="DEVICE: what it cannot do without; 'none' takes it back.")  # fmt: skip
@click.option("--risk", type=click.Choice(["none", "low", "medium", "high", "default"]), help="Home: the most that is taken without asking.")  # fmt: skip
@click.option("--quiet-hours", metavar="22:00-07:00", help="Home: nothing that people notice is tried then; or 'none', 'default'.")  # fmt: skip
@click.option("--devices-per-hour", type=click.IntRange(0, 1000), help="Home: how many may be touched within an hour.")
@as_json_option
@click.pass_obj
def wishes(socket: str | None, /, device: str | None, as_json: bool, **options: Any) -> None:
    """What you have declared of a device, or of the home: what feeds it, what must never be touched, when to be quiet."""
    given = {name: value for name, value in options.items() if value not in (None, ())}
    changes = _of_device(given) if device else _of_home(given)
    path = f"health/devices/{_quoted(device)}/wishes" if device else "health/wishes"
    body = Link(socket).patch(path, changes) if changes else Link(socket).get(path)
    if as_json:
        print_json(body)
        return
    click.echo(f"{body['name']}:")
    _show_wishes(body["wishes"], body.get("names") or {})
    if not body["wishes"]:
        click.echo("  nothing declared")


def _of_device(given: dict[str, Any]) -> dict[str, Any]:
    if wrong := given.keys() & {"risk", "quiet_hours", "devices_per_hour"}:
        raise click.UsageError(f"{_spelled(wrong)}: of the home, so without a device.")
    changes: dict[str, Any] = {name: _YES_NO[given[name]] for name in ("never_touch", "ask_first") if name in given}
    if "powered_by" in given:
        changes["powered_by"] = None if given["powered_by"] == "none" else given["powered_by"]
    if "hangs_on" in given:
        changes["hangs_on"] = None if "none" in given["hangs_on"] else list(given["hangs_on"])
    return changes


def _of_home(given: dict[str, Any]) -> dict[str, Any]:
    if wrong := given.keys() & {"never_touch", "ask_first", "powered_by", "hangs_on"}:
        raise click.UsageError(f"{_spelled(wrong)}: of a device: name it first.")
    changes: dict[str, Any] = {name: given[name] for name in ("risk", "devices_per_hour") if name in given}
    if changes.get("risk") == "default":
        changes["risk"] = None
    hours = given.get("quiet_hours")
    if hours == "default":
        changes["back"] = ["quiet_hours"]
    elif hours == "none":
        changes["quiet_hours"] = None
    elif hours:
        begin, _, end = hours.partition("-")
        changes["quiet_hours"] = {"from": begin.strip(), "to": end.strip()}
    return changes


def _spelled(names: set[str]) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name in sorted(names))


def _list(socket: str | None, *, as_json: bool) -> None:
    body = Link(socket).get("health")
    if as_json:
        print_json(body)
        return
    home = body["home"]
    click.echo(f"This home: {home['score']} of 100")
    for issue in home["issues"]:
        click.echo(f"- {issue['title']}: {issue['text']}")
    for device in body["devices"]:
        if device["state"] != "well" or device["score"] < 100:
            click.echo(f"{device['name']}: {device['score']} of 100, {_state(device)}")
            for text in device["why"]:
                click.echo(f"- {text}")
            _show_trouble(device)
    well = sum(1 for each in body["devices"] if each["state"] == "well" and each["score"] == 100)
    click.echo(f"{well} devices are entirely well." if well != 1 else "1 device is entirely well.")


def _show_trouble(device: Json) -> None:
    trouble = device["trouble"]
    if trouble is None:
        return
    for issue in trouble["issues"]:
        click.echo(f"- {issue['title']}: {issue['text']}")
    if trouble["tried"]:
        tried = ", ".join(f"{each['words']} ({each['count']}x)" for each in trouble["tried"])
        click.echo(f"  tried: {tried}")
    click.echo(f"  {trouble['next']['text']}")
    attempt = trouble["attempt"]
    if attempt is not None and attempt["is_question"]:
        short = attempt["id"][:8]
        click.echo(f"  answer with: nexa-hub health approve {short}, or: nexa-hub health refuse {short}")


def _show_wishes(wishes: Json, names: Json) -> None:
    words: dict[str, Callable[[Any], str]] = {
        "never_touch": lambda _: "must never be touched",
        "ask_first": lambda _: "asks you first",
        "powered_by": lambda plug: f"is fed by {names.get(plug) or plug}",
        "hangs_on": lambda others: f"hangs on {', '.join(names.get(each) or each for each in others)}",
        "risk": lambda risk: f"without asking at most: {risk or 'as the catalogue has it'}",
        "quiet_hours": lambda hours: f"quiet hours: {hours['from']} to {hours['to']}" if hours else "no quiet hours",
        "devices_per_hour": lambda count: f"devices touched within an hour at most: {count}",
    }
    for name, value in wishes.items():
        click.echo(f"  {words[name](value) if name in words else f'{name}: {value}'}")


def _show_rates(rates: Json, *, as_json: bool) -> None:
    if as_json:
        print_json(rates)
        return
    rows = [
        (each["words"], each["of"], each["name"], f"{each['helped']} of {each['tried']}")
        for each in sorted(rates, key=lambda each: (each["remedy"], each["of"]))
    ]
    print_table(rows, ("REMEDY", "OF", "NAME", "HELPED"))


def _verdict(remedy: Json) -> str:
    said = {
        "now": "would be tried",
        "asks": "would be tried after asking you",
        "not_now": "not now",
        "waits": "waits",
        "spent": "is used up",
        "never": "never",
        "unfit": "does not fit",
    }[remedy["verdict"]]
    reasons = f": {', '.join(remedy['reasons'])}" if remedy["reasons"] and remedy["verdict"] != "asks" else ""
    also = f" (also felt by {', '.join(remedy['touches'])})" if remedy["touches"] else ""
    first = "-> " if remedy["is_next"] else "   "
    return f"{first}{remedy['remedy']} ({remedy['words']}, risk {remedy['risk']}) {said}{reasons}{also}"


def _state(device: Json) -> str:
    words = {
        "asks": "waits for your answer",
        "troubled": "something is wrong",
        "treated": "is being healed",
        "held": "waits for what it hangs on",
        "well": "well",
    }
    trouble = device["trouble"]
    since = f" {trouble['since_words']}" if trouble else ""
    return f"{words[device['state']]}{since}"


def _quoted(name: str) -> str:
    return quote(name, safe="")
