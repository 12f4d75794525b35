"""nexa-hub pair"""

import socket
import sys
from collections.abc import Iterator

import click

from hub_agent.cli.link import Link, as_json_option, print_json
from hub_agent.config import Config, load_config
from hub_agent.errors import OperatingError

ADDRESSES_MAX = 4
_EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 a comparison

SCOPES = ("view", "control", "configure")


@click.command(name="pair")
@click.option(
    "--scope",
    type=click.Choice(SCOPES),
    default="configure",
    show_default=True,
    help="What the browser may do; each can do what those before it can.",
)
@click.option("--name", default="", help="What the browser is to be called, such as Tablet.")
@click.option("--qr/--no-qr", default=None, help="Draw a QR code to scan; default: where a person looks.")
@as_json_option
@click.pass_obj
def command(socket_path: str | None, scope: str, name: str, qr: bool | None, as_json: bool) -> None:
    """Show a code with which a browser pairs, and where the page is; it holds for a quarter of an hour, for one browser."""
    body = Link(socket_path).post("access/codes", {"scope": scope, "name": name})
    code = str(body["code"])
    pages = list(_pages())
    if as_json:
        print_json({**body, "pages": pages})
        return
    click.echo(code)
    if not pages:
        return
    click.echo("\nOpen one of these within a quarter of an hour:")
    for page in pages:
        # What stands after # never leaves the browser.
        click.echo(f"  {page}pair#{code}")
    if qr if qr is not None else sys.stdout.isatty():
        import segno

        click.echo("\nOr scan this with a phone that is in the home's network:")
        segno.make(f"{pages[0]}pair#{code}", error="m").terminal(compact=True, border=2)


def _pages() -> Iterator[str]:
    """Where the page is, what works everywhere first: not each phone understands names that end in .local."""
    try:
        config = load_config(None)
    except OperatingError:
        return
    for host in list(_hosts(config))[:ADDRESSES_MAX]:
        yield f"http://{f'[{host}]' if ':' in host else host}:{config.web.port}/"


def _hosts(config: Config) -> Iterator[str]:
    if config.web.host not in _EVERYWHERE:
        yield config.web.host
        return
    from hub_agent.adapters.neighbours.interfaces import own_addresses

    yield from own_addresses()
    name = socket.gethostname().partition(".")[0]
    if name and name != "localhost":
        yield f"{name}.local"
