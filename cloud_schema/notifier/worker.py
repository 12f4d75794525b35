"""The loop: claim what is due, send it in a few threads, record what became of it.

The database is asked every `poll_s`: a look into an index of what is due costs less than a notification channel, which
poolers break and which serialises the commits of everybody who writes alerts. One thread talks to the database; the others
send, one message each. Nothing is claimed that no thread is free for, so a stop has little to wait for.
"""

import json
import logging
import os
import queue
import random
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg

from cloud_schema.apply import ApplyError
from cloud_schema.notifier.addresses import BadAddress, require_services
from cloud_schema.notifier.egress import Journey
from cloud_schema.notifier.ledger import Ledger
from cloud_schema.notifier.rendering import render, render_digest
from cloud_schema.notifier.sending import Message, Outcome, Sender, Services

log = logging.getLogger("nexa.notify")

RETRY_FIRST_S = 30.0
RETRY_MAX_S = 3600.0
RECONNECT_MAX_S = 30.0
TICK_S = 0.5
# What still hangs on a connection this long after it was cut is left behind when stopping.
STOP_WITHIN_S = 50.0


@dataclass
class Counts:
    """What became of rows, and how many messages they made."""

    messages: int = 0
    sent: int = 0
    delivered: int = 0
    failed: int = 0
    retried: int = 0
    lost: int = 0

    def add(self, status: str | None, outcome: str) -> None:
        if status is None:
            self.lost += 1
        elif status == "pending":
            self.retried += outcome == "retry"
        else:
            setattr(self, status, getattr(self, status) + 1)


@dataclass
class Job:
    """A message on its way, and the rows it answers for: several, if they were joined."""

    rows: list[dict[str, Any]]
    message: Message
    details: dict[str, Any]
    journey: Journey
    outcome: Outcome | None = None
    recorded: int = 0


@dataclass
class Notifier:
    ledger: Ledger
    sender: Sender
    workers: int
    poll_s: float
    stop: threading.Event
    chance: random.Random
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._in_flight: list[Job] = []
        self._to_record: list[Job] = []
        self._failures_in_a_row = 0
        for number in range(self.workers):
            threading.Thread(target=self._send_jobs, name=f"send-{number}", daemon=True).start()

    def run(self, *, once: bool) -> None:
        """Until stopped; or, with `once`, until nothing is due any more."""
        is_idle = False
        while not self.stop.is_set():
            self._cut_overdue()
            if self._is_connected():
                try:
                    self._record()
                    is_idle = not self._claim() and not self._in_flight
                except psycopg.OperationalError as err:
                    self._note_loss(err)
            elif once and self._failures_in_a_row > 3:  # tried long enough for a single run
                break
            if once and is_idle and not self._to_record:
                break
            self._wait(self.poll_s if is_idle else TICK_S)
        self._finish()

    def _claim(self) -> int:
        free = self.workers - len(self._in_flight) - len(self._to_record)
        if free <= 0:
            return 1
        jobs = self._jobs_of(self.ledger.claim(free))
        for job in jobs:
            self._in_flight.append(job)
            self._jobs.put(job)
        return len(jobs)

    def _jobs_of(self, rows: list[dict[str, Any]]) -> list[Job]:
        piles: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for row in rows:
            key = ("pile", row["user_id"], row["channel"]) if row["is_digest"] else ("row", row["id"])
            piles.setdefault(key, []).append(row)
        return [self._job_of(pile) for pile in piles.values()]

    def _job_of(self, rows: list[dict[str, Any]]) -> Job:
        first = rows[0]
        if len(rows) == 1:
            rendered = render(
                first["channel"], first["template"], first["variables"], first["subject"] or "", first["body"]
            )
        else:
            rendered = render_digest(first["channel"], first["digest_template"], rows)
        about = {
            key: str(first["variables"].get(key, "")) for key in ("alert_type", "severity", "home", "device", "time")
        }
        message = Message(first["id"], first["channel"], first["addresses"], rendered, first["priority"], about)
        details = {"template_id": rendered.template_id, "template_error": rendered.template_error}
        return Job(rows, message, details, self.sender.open_journey(message))

    def _send_jobs(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.outcome = self.sender.send(job.message, job.journey)
            self._done.put(job)

    def _cut_overdue(self) -> None:
        for job in self._in_flight:
            if job.outcome is None and job.journey.is_overdue():
                job.journey.cut()

    def _wait(self, timeout_s: float) -> None:
        """Until something is done, a stop is asked for, or time is up."""
        deadline = time.monotonic() + timeout_s
        while not self.stop.is_set() and (left := deadline - time.monotonic()) > 0:
            try:
                self._take(self._done.get(timeout=min(left, TICK_S)))
            except queue.Empty:
                continue
            else:
                return

    def _take(self, job: Job) -> None:
        self._in_flight.remove(job)
        self._to_record.append(job)

    def _record(self) -> None:
        while not self._done.empty():
            self._take(self._done.get())
        while self._to_record:
            self._record_job(self._to_record[0])
            self._to_record.pop(0)

    def _record_job(self, job: Job) -> None:
        """Goes on where it stopped, if the database was lost half-way."""
        assert job.outcome is not None
        outcome = job.outcome
        details = json.dumps({**job.details, "response": outcome.response})
        while job.recorded < len(job.rows):
            row = job.rows[job.recorded]
            retry_in_s = self._backoff_s(row["retry_count"]) if outcome.status == "retry" else None
            status = self.ledger.record(row, outcome.status, outcome.error, retry_in_s, details)
            self.counts.add(status, outcome.status)
            job.recorded += 1
        self.counts.messages += 1
        _tell(job, outcome)

    def _backoff_s(self, retries: int) -> float:
        return min(RETRY_FIRST_S * 2.0 ** min(retries, 10), RETRY_MAX_S) * self.chance.uniform(0.5, 1.5)

    def _is_connected(self) -> bool:
        if self._failures_in_a_row == 0:
            return True
        try:
            self.ledger.reopen()
        except psycopg.OperationalError as err:
            self._note_loss(err)
            return False
        log.info("the database is back")
        self._failures_in_a_row = 0
        return True

    def _note_loss(self, err: psycopg.Error) -> None:
        level = logging.WARNING if self._failures_in_a_row == 0 else logging.DEBUG
        log.log(level, "the database is away (%s); what was sent is recorded when it is back", type(err).__name__)
        self._failures_in_a_row += 1
        delay_s = min(2.0 ** (self._failures_in_a_row - 1), RECONNECT_MAX_S) * self.chance.uniform(0.1, 0.5)
        self.stop.wait(delay_s)

    def _finish(self) -> None:
        """What is held is sent and recorded; no lease is left to run out if that can be helped."""
        deadline = time.monotonic() + STOP_WITHIN_S
        while (self._in_flight or self._to_record) and time.monotonic() < deadline:
            self._cut_overdue()
            try:
                if self._failures_in_a_row:
                    self.ledger.reopen()
                    self._failures_in_a_row = 0
                self._record()
            except psycopg.OperationalError:
                self._failures_in_a_row += 1
                if self._failures_in_a_row > 3:  # the leases run out, and others take over
                    break
            if self._in_flight:
                try:
                    self._take(self._done.get(timeout=TICK_S))
                except queue.Empty:
                    continue
        for _ in range(self.workers):
            self._jobs.put(None)
        self.ledger.close()


def _tell(job: Job, outcome: Outcome) -> None:
    for row in job.rows:
        if outcome.error is None:
            log.info("%s %s of user %s: %s", row["channel"], row["id"], row["user_id"], outcome.status)
        else:
            log.warning(
                "%s %s of user %s: %s: %s", row["channel"], row["id"], row["user_id"], outcome.status, outcome.error
            )
    if job.details["template_error"]:
        log.warning("template for %s: %s", job.rows[0]["notification_type"], job.details["template_error"])


def notify(
    dsn: str,
    services: Services,
    *,
    once: bool,
    workers: int,
    poll_s: float,
    stop: threading.Event,
    say: Callable[[str], None] = print,
) -> Mapping[str, int]:
    """Sends until `stop` is set; with `once`, until nothing is due. Answers what became of the rows. Raises ApplyError."""
    sender = Sender(services)
    try:
        require_services(services.smtp_url, services.sms_url)
    except BadAddress as err:
        raise ApplyError(str(err)) from err
    ledger = Ledger(dsn, worker=f"{socket.gethostname()}/{os.getpid()}")
    ledger.open()
    say(f"Sending with {workers} workers. Mail: {_is_set(services.smtp_url)}. SMS: {_is_set(services.sms_url)}.")
    notifier = Notifier(ledger, sender, workers, poll_s, stop, random.Random())
    try:
        notifier.run(once=once)
    except psycopg.Error as err:
        raise ApplyError(f"The database refused: {str(err).splitlines()[0]} ({err.sqlstate}).") from err
    return asdict(notifier.counts)


def _is_set(url: str | None) -> str:
    return "set up" if url else "not set up"
