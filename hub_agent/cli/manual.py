"""nexa-hub manual"""

import re
from collections.abc import Iterator
from pathlib import Path

import click

from hub_agent import __version__

# Where programs look below a prefix such as /usr/local. deploy/install/service.sh takes them away again.
MANUAL = Path("share/man/man1/nexa-hub.1")
COMPLETIONS = {
    "bash": Path("share/bash-completion/completions/nexa-hub"),
    "zsh": Path("share/zsh/site-functions/_nexa-hub"),
    "fish": Path("share/fish/vendor_completions.d/nexa-hub.fish"),
}

_OF_EVERY_COMMAND = frozenset({"[OPTIONS]", "[COMMAND] [ARGS]...", "COMMAND [ARGS]..."})
_FILES = (
    ("/etc/nexa-hub/nexa-hub.toml", "Settings; every one is listed there with its default."),
    ("/etc/nexa-hub/secrets/", "The claim code and the broker's password, handed to the service by systemd."),
    ("/var/lib/nexa-hub/", "The home's mirror, and the keys of paired devices. To be backed up."),
    ("/run/nexa-hub/nexa-hub.sock", "How these commands find the running agent; for members of the group nexa-hub."),
)
_ENVIRONMENT = (
    ("NEXA_CONFIG", "Another settings file."),
    ("NEXA_SOCKET", "Another socket, as --socket."),
    ("NEXA_SECTION_KEY", "In the place of the setting key in [section], such as NEXA_WEB_PORT."),
)


@click.command(name="manual")
@click.option(
    "--install",
    "prefix",
    type=click.Path(file_okay=False, path_type=Path),
    help="Put the page, and completion for bash, zsh and fish, where programs look below this folder (/usr/local).",
)
def command(prefix: Path | None) -> None:
    """Print this command's manual page; `nexa-hub manual | man -l -` shows it."""
    if prefix is None:
        click.echo(page(), nl=False)
        return
    for path, text in _files():
        file = prefix / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o644)


def _files() -> Iterator[tuple[Path, str]]:
    from hub_agent.cli.completion import script

    yield MANUAL, page()
    for shell, path in COMPLETIONS.items():
        yield path, script(shell)


def page() -> str:
    """The manual of all commands in roff, as `man` reads it. The same for the same version."""
    from hub_agent.cli import cli

    context = click.Context(cli, info_name="nexa-hub")
    lines = [
        f'.TH NEXA\\-HUB 1 "" "nexa\\-hub {__version__}" "NEXA hub"',
        ".SH NAME",
        f"nexa\\-hub \\- {_text(_help(cli)).rstrip('.')}",
        ".SH SYNOPSIS",
        r".B nexa\-hub",
        r"[\fIoptions\fR] \fIcommand\fR [\fIarguments\fR]",
        ".SH DESCRIPTION",
        r"Commands talk to the running agent by its Unix socket. Those that report take \fB\-\-json\fR.",
        ".SH OPTIONS",
        *_parameters(cli, context),
        ".SH COMMANDS",
        *_commands(cli, context),
        ".SH EXIT STATUS",
        _text((cli.epilog or "").removeprefix("Exit codes: ")),
        *_listed("FILES", _FILES),
        *_listed("ENVIRONMENT", _ENVIRONMENT),
        ".SH SEE ALSO",
        r".BR systemctl (1),",
        r".BR journalctl (1),",
        r".BR mosquitto (8)",
    ]
    return "\n".join(lines) + "\n"


def _commands(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        inner = click.Context(command, info_name=name, parent=context)
        usage = [piece for piece in command.collect_usage_pieces(inner) if piece not in _OF_EVERY_COMMAND]
        yield f".SS {_text(' '.join([inner.command_path, *usage]))}"
        yield from _paragraphs(_help(command))
        yield from _parameters(command, inner)
        if isinstance(command, click.Group):
            yield from _commands(command, inner)


def _parameters(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        told = parameter.get_help_record(context)
        says_nothing = told is None or not told[1] or (told[0] == "--help" and context.parent is not None)
        if told is None or says_nothing:
            continue
        yield ".TP"
        yield rf"\fB{_text(told[0])}\fR"
        yield _text(told[1])


def _listed(title: str, entries: tuple[tuple[str, str], ...]) -> Iterator[str]:
    yield f".SH {title}"
    for name, words in entries:
        yield from (".TP", rf"\fI{_text(name)}\fR", _text(words))


def _help(command: click.Command) -> str:
    return command.help or command.short_help or ""


def _paragraphs(words: str) -> Iterator[str]:
    for n, each in enumerate(re.split(r"\n\s*\n", words.strip())):
        yield from ((".PP", _text(each)) if n else (_text(each),))


def _text(words: str) -> str:
    """One line of plain text: nothing in it is taken for a request or an escape, and an option can be copied as it stands."""
    plain = re.sub(r"\s+", " ", words.replace("\b", " ")).strip()
    told = plain.replace("\\", r"\e").replace("-", r"\-")
    ascii_only = "".join(each if each.isascii() else f"\\[u{ord(each):04X}]" for each in told)
    return re.sub(r"^(?=[.'])", r"\\&", ascii_only)
