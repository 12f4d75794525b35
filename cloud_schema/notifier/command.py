"""nexa-cloud notify. Secrets come from files or the environment, never as words of the command line."""

import json
import logging
import os
import signal
import threading
from pathlib import Path

import click

from cloud_schema.apply import ApplyError
from cloud_schema.operating import as_json_option, with_database

_file = click.Path(dir_okay=False, path_type=Path)


@click.command("notify")
@with_database
@click.option("--once", is_flag=True, help="Send what is due and end, instead of going on until stopped.")
@click.option("--workers", default=8, show_default=True, type=click.IntRange(1, 64), help="Messages sent side by side.")
@click.option(
    "--poll-s",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0.1, 300),
    help="How often to look for what is due.",
)
@click.option(
    "--smtp-url-file",
    type=_file,
    help="File with the mail server's URL; or NEXA_NOTIFY_SMTP_URL: mailtos://user:password@host?from=...",
)
@click.option(
    "--sms-url-file", type=_file, help="File with an Apprise URL, {to} in the number's place; or NEXA_NOTIFY_SMS_URL."
)
@click.option(
    "--allow-private", is_flag=True, help="Let people's push and webhook addresses be in this machine's own network."
)
@as_json_option
def notify_command(
    *,
    dsn: str,
    once: bool,
    workers: int,
    poll_s: float,
    smtp_url_file: Path | None,
    sms_url_file: Path | None,
    allow_private: bool,
    as_json: bool,
) -> None:
    """Send the pending messages of the database DSN by e-mail, push, SMS and webhook.

    Run as many as you like. A message is sent at least once; twice only when a process is lost between sending and recording.
    SIGTERM or Ctrl-C: what is under way is finished first. The login needs to be a member of service_role and nothing else.
    """
    from cloud_schema.notifier.sending import Services
    from cloud_schema.notifier.worker import notify

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    services = Services(
        smtp_url=_secret(smtp_url_file, "NEXA_NOTIFY_SMTP_URL"),
        sms_url=_secret(sms_url_file, "NEXA_NOTIFY_SMS_URL"),
        allows_private=allow_private,
    )
    counts = notify(
        dsn, services, once=once, workers=workers, poll_s=poll_s, stop=stop, say=lambda line: click.echo(line, err=True)
    )
    if as_json:
        click.echo(json.dumps(counts))
    else:
        click.echo(", ".join(f"{number} {what}" for what, number in counts.items()))


def _secret(path: Path | None, variable: str) -> str | None:
    if path is None:
        return os.environ.get(variable, "").strip() or None
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except OSError as err:
        raise ApplyError(f"{path} cannot be read: {err.strerror}.") from err
