"""nexa-hub decode"""

import sys
from pathlib import Path

import click

from hub_agent.cli.link import Json, as_json_option, print_json, print_table


@click.command(name="decode")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@as_json_option
def command(file: Path, as_json: bool) -> None:
    """Show what the drivers make of captured MQTT messages: the tool for "my device does not work".

    FILE holds JSON lines with "topic" and "payload", or the output of: mosquitto_sub -v -t '#' ("-" reads standard input).
    """
    from hub_agent.drivers.capture import describe, read_capture
    from hub_agent.drivers.registry import Dialects, default_drivers

    summary: Json = describe(read_capture(_read(file)), lambda: Dialects(default_drivers()))
    if as_json:
        print_json(summary)
        return
    _print(summary)


def _read(file: Path) -> str:
    content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    return content.decode("utf-8", errors="replace")


def _print(summary: Json) -> None:
    devices = summary["devices"]
    click.echo(f"{summary['messages']} messages, {len(devices)} devices")
    for device in devices:
        click.echo(f"\n{device['name']} ({device['device_type']}, {device['dialect']})")
        rows = [
            (entity["id"] if "id" in entity else entity["key"], entity["domain"], entity.get("state"), _names(entity))
            for entity in device["entities"]
        ]
        print_table(rows, ("  ENTITY", "DOMAIN", "STATE", "CAPABILITIES"))
    if summary["not_understood"]:
        click.echo("\nNot understood:")
        rows = [(each["count"], each["code"], each["topic"], each["reason"]) for each in summary["not_understood"]]
        print_table(rows, ("TIMES", "CODE", "TOPIC", "WHY"))
    for each in summary["lines_not_read"]:
        click.echo(f"\nLine {each['line']} is no message: {each['reason']}")
    if summary["topics_of_others"]:
        click.echo("\nTopics of no dialect that is spoken here:")
        print_table([(each["count"], each["topic"]) for each in summary["topics_of_others"]], ("TIMES", "TOPIC"))


def _names(entity: Json) -> str:
    return ", ".join(entity.get("capabilities") or [])
