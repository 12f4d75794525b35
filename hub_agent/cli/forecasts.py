"""nexa-hub forecasts"""

import click

from hub_agent.cli.link import Json, Link, as_json_option, print_json, print_table

BATTERIES_SHOWN = 10


@click.command(name="forecasts")
@as_json_option
@click.pass_obj
def command(socket: str | None, as_json: bool) -> None:
    """What is foreseen: batteries, connections, energy that is not as usual, when things are used, and advice."""
    body = Link(socket).get("forecasts")
    if as_json:
        print_json(body)
        return
    lines = [*map(_prediction, body["predictions"]), *(each["description"] for each in body["anomalies"])]
    click.echo("\n".join(lines) if lines else "Nothing is foreseen to fail.")
    _say("Advice", [f"{each['description']} {each['recommended_action']}" for each in body["insights"]])
    _say("Usually in use", [each["pattern_name"] for each in body["patterns"]])
    if body["batteries"]:
        click.echo()
        rows = [_battery(each) for each in body["batteries"][:BATTERIES_SHOWN]]
        print_table(rows, ("battery", "level", "empty in"))


def _say(title: str, lines: list[str]) -> None:
    if lines:
        click.echo(f"\n{title}:")
        for line in lines:
            click.echo(f"- {line}")


def _prediction(row: Json) -> str:
    if row["failure_type"] == "battery_death":
        span = f"between {row['earliest_failure_date'][:10]} and {row['latest_failure_date'][:10]}"
        what = f"its battery will be empty {span}, most likely on {row['predicted_failure_date'][:10]}"
    else:
        what = "it is losing its connection"
    sure = round(100 * row["confidence_level"])
    return f"{row['device_name']}: {what} (confidence {sure} %). {row['recommended_maintenance']}"


def _battery(each: Json) -> tuple[str, str, str]:
    left = each["days_left"]
    return each["name"], f"{each['level']:g} %", "-" if left is None else f"about {left} days"
