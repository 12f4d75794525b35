"""The manual page: every command is in it, and those who read it on a terminal see it as it was meant."""

import shutil
import subprocess
from pathlib import Path

import click
import pytest

from hub_agent.cli import cli
from hub_agent.cli.manual import COMPLETIONS, MANUAL, page


def names(group: click.Group, before: str) -> list[str]:
    context = click.Context(group)
    found = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found.append(f"{before} {name}")
        if isinstance(command, click.Group):
            found += names(command, f"{before} {name}")
    return found


def test_every_command_is_told_with_what_it_takes(nexa, home) -> None:
    said = nexa("manual").out
    for name in names(cli, "nexa-hub"):
        assert f"\n.SS {name.replace('-', chr(92) + '-')}" in said, name
    assert r"\fB\-\-json\fR" in said
    assert ".SS nexa\\-hub devices rename DEVICE NAME\n" in said


def test_it_is_the_same_each_time_and_every_line_is_plain(home) -> None:
    assert page() == page()
    assert page().isascii()
    requests = {line.partition(" ")[0] for line in page().splitlines() if line.startswith((".", "'"))}
    assert requests == {".TH", ".SH", ".SS", ".TP", ".B", ".BR", ".PP"}


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff, which sets manual pages, is not installed")
def test_what_sets_manual_pages_has_nothing_to_complain_about(home) -> None:
    command = ["groff", "-man", "-Tutf8", "-ww", "-P-cbou"]
    done = subprocess.run(command, input=page(), capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "EXIT STATUS" in done.stdout


def test_it_is_put_where_programs_look(nexa, home) -> None:
    prefix = home / "usr/local"
    assert nexa("manual", "--install", str(prefix)).code == 0
    assert (prefix / MANUAL).read_text() == page()
    for file in COMPLETIONS.values():
        assert "_NEXA_HUB_COMPLETE" in (prefix / file).read_text()
        assert (prefix / file).stat().st_mode & 0o777 == 0o644
    installer = (Path(__file__).parents[3] / "deploy/install/service.sh").read_text()
    for file in (MANUAL, *COMPLETIONS.values()):
        assert f'"$root/usr/local/{file}"' in installer, "what is put there is taken away again"
