"""nexa-hub diagnose"""

import click

from hub_agent.cli.link import Json, Link, as_json_option, print_json

_MARKS = {"ok": "ok", "warning": "look", "failed": "FAILED", "unknown": "?", "skipped": "-"}


@click.command(name="diagnose")
@click.argument("device", required=False)
@click.option("--home", is_flag=True, help="The whole home (also without DEVICE).")
@as_json_option
@click.pass_obj
def command(socket: str | None, device: str | None, home: bool, as_json: bool) -> None:
    """What is wrong with DEVICE (by id or name) or the home, step by step from the far end. Exit code 1 if anything is."""
    if device is not None and home:
        raise click.UsageError("Say DEVICE or --home, not both.")
    found: Json = None
    for said in Link(socket).lines("POST", "diagnoses", {"device": device}):
        if "diagnosis" in said:
            found = said["diagnosis"]
        elif not as_json:
            _print_step(said["step"], is_home=device is None)
    if as_json:
        print_json(found)
    else:
        _print_end(found)
    if found["overall_status"] != "healthy":
        raise click.exceptions.Exit(1)


def _print_step(step: Json, *, is_home: bool) -> None:
    whose = f"{step['device']}: " if is_home and step["device"] else ""
    click.echo(f"{_MARKS[step['status']]:6}  {whose}{step['title']}: {step['text']}")


def _print_end(found: Json) -> None:
    click.echo()
    click.echo(f"{found['summary']} (health {found['health_score']} of 100)")
    for advice in found["recommendations"]:
        click.echo(f"- {advice}")
