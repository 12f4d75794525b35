"""Commands to devices: issued, sent, confirmed by a report; or expired, unconfirmed, superseded.

A command is in one of two states until it settles, which it does once:

    waiting to be sent --CommandSent--> sent, waiting for a report --a report that says so--> confirmed
        |  a newer contradicting one -> superseded        |  a newer contradicting one -> superseded
        |  cannot be encoded         -> failed            '  nothing in time           -> unconfirmed; moved by a recall: sent once more, alone
        '  not sent in time          -> expired

What nothing can confirm (a button's press) settles as `sent` when it was sent.
The mark "sent" and the end are kept lazily: after a crash a command that its report can confirm may be sent a second time,
but never after it expired; one that nothing can confirm is kept at once, so that a button is not pressed twice.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

from hub_agent.core.expectation import MOVING_DOMAINS, confirm_within, contradict, expected_after, meets
from hub_agent.model.action import Call, Command, CommandSettled
from hub_agent.model.device import Device, Entity
from hub_agent.model.effects import Durability, Effect, SaveCommand, SendCommand
from hub_agent.model.ids import CommandId, EntityId, NewId
from hub_agent.model.inputs import CommandNotSent, CommandSent
from hub_agent.model.state import Cause, EntityState

Target: TypeAlias = tuple[Device, Entity, EntityState | None]
Given: TypeAlias = Effect | CommandSettled

TIME_TO_LIVE = timedelta(seconds=30)
# What a bridge was to move together and has not reported by then is told alone.
RECALL_WITHIN = timedelta(seconds=2.5)
# When more than this wait, new ones fail at once, with words: a home never has so many devices.
PENDING_MAX = 10_000

_TOGGLES = {"cover": ("open_cover", "close_cover"), "valve": ("open_valve", "close_valve")}
_SHUT = frozenset({"off", "closed", "closing", "unavailable", "unknown"})
_SILENT = frozenset({"idle", "standby"})


class Commands:
    """All commands that have not settled. O(1) for a report of an entity that none is waiting for."""

    def __init__(self, new_id: NewId) -> None:
        self._new_id = new_id
        # How those that settled since the start ended.
        self.outcomes: Counter[str] = Counter()
        self._pending: dict[CommandId, _Pending] = {}
        self._by_entity: dict[EntityId, list[_Pending]] = {}
        self._deadlines: list[tuple[datetime, int, _Pending]] = []
        self._count = 0

    def issue(self, call: Call, targets: Sequence[Target], now: datetime) -> list[Given]:
        """One command per entity, kept and then sent; what it contradicts is superseded."""
        given: list[Given] = []
        for device, entity, state in targets:
            given += self._issue(self._command(call, device, entity, state, now), device, now)
        return given

    def handle_sent(self, sent: CommandSent, now: datetime) -> list[Given]:
        pending = self._pending.get(sent.command_id)
        if pending is None or pending.command.sent_at is not None:
            return []
        pending.command = replace(pending.command, sent_at=now)
        if not pending.command.expected:
            return self._settle(pending, "sent", now, durability=Durability.COMMIT)
        within = min(pending.confirm_within, RECALL_WITHIN) if pending.command.recall else pending.confirm_within
        self._set_deadline(pending, now + within)
        return [SaveCommand(pending.command, durability=Durability.LAZY)]

    def handle_not_sent(self, not_sent: CommandNotSent, now: datetime) -> list[Given]:
        """What may be tried again waits for the connection (`handle_connected`) or for its expiry."""
        pending = self._pending.get(not_sent.command_id)
        if pending is None:
            return []
        pending.is_being_sent = False
        if not_sent.may_try_again:
            return []
        return self._settle(pending, "failed", now, not_sent.reason)

    def handle_connected(self, now: datetime) -> list[Given]:
        """The way to the devices is there again: what is still waiting and has not expired is sent.

        What is being sent just now is not: it may have gone out already, and only the word of it is still on its way to us.
        """
        given: list[Given] = []
        for pending in self._pending.values():
            command = pending.command
            if command.sent_at is None and not pending.is_being_sent and now < command.expires_at:
                pending.is_being_sent = True
                given.append(SendCommand(command))
        return given

    def handle_state(self, entity_id: EntityId, state: EntityState, now: datetime) -> list[Given]:
        """A report, also one that equals the present state."""
        waiting = self._by_entity.get(entity_id)
        if not waiting:
            return []
        confirmed = [
            pending
            for pending in waiting
            if pending.command.sent_at is not None and meets(pending.command.expected, state)
        ]
        given: list[Given] = []
        for pending in confirmed:
            given += self._settle(pending, "confirmed", now)
        return given

    def handle_refused(self, entity_ids: Iterable[EntityId], reason: str, now: datetime) -> list[Given]:
        """The device said no. What has not gone out yet is not meant."""
        refused = [
            pending
            for entity_id in entity_ids
            for pending in self._by_entity.get(entity_id, ())
            if pending.command.sent_at is not None or pending.is_being_sent
        ]
        return [given for pending in refused for given in self._settle(pending, "failed", now, reason)]

    def has_pending(self, entity_id: EntityId) -> bool:
        return entity_id in self._by_entity

    def cause_of(self, entity_id: EntityId) -> Cause | None:
        """Why the entity is about to change: the cause of the newest command under way."""
        waiting = self._by_entity.get(entity_id)
        return waiting[-1].command.cause if waiting else None

    def get_timer(self) -> datetime | None:
        while self._deadlines and self._deadlines[0][2].deadline != self._deadlines[0][0]:
            heapq.heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else None

    def handle_timer(self, now: datetime) -> list[Given]:
        given: list[Given] = []
        while (due := self.get_timer()) is not None and due <= now:
            given += self._give_up(heapq.heappop(self._deadlines)[2], now)
        return given

    def handle_clock_step(self, by: timedelta) -> list[Given]:
        """The wall clock moved: what counts elapsed time moves with it."""
        given: list[Given] = []
        for pending in self._pending.values():
            command = pending.command
            sent_at = None if command.sent_at is None else command.sent_at + by
            pending.command = replace(command, expires_at=command.expires_at + by, sent_at=sent_at)
            if pending.deadline is not None:
                self._set_deadline(pending, pending.deadline + by)
            given.append(SaveCommand(pending.command))
        return given

    def restore(self, commands: Iterable[Command], now: datetime) -> list[Given]:
        """After a start: what was not sent is sent if it has not expired; what was sent gets a fresh wait for its report,
        because nobody listened while we were away. (A device's own `confirm_s` is not known here; the usual wait is.)
        """
        given: list[Given] = []
        for command in sorted(commands, key=lambda command: (command.issued_at, command.id)):
            pending = _Pending(command, confirm_within(command.action, command.data))
            self._add(pending)
            if command.sent_at is not None:
                self._set_deadline(pending, now + pending.confirm_within)
            elif command.expires_at <= now:
                given += self._give_up(pending, now)
            else:
                self._set_deadline(pending, command.expires_at)
                pending.is_being_sent = True
                given.append(SendCommand(command))
        return given

    def _command(self, call: Call, device: Device, entity: Entity, state: EntityState | None, now: datetime) -> Command:
        action = _resolve_toggle(call.action, entity.domain, state)
        return Command(
            id=CommandId(self._new_id()),
            call_id=call.id,
            device_id=device.id,
            entity_id=entity.id,
            action=action,
            data=call.data,
            cause=call.cause,
            issued_at=now,
            expires_at=now + TIME_TO_LIVE,
            expected=expected_after(action, call.data, entity),
            recall=call.recall,
        )

    def _issue(self, command: Command, device: Device, now: datetime) -> list[Given]:
        domain, entity_domain = command.action.partition(".")[0], command.entity_id.partition(".")[0]
        if domain != entity_domain:
            error = f"{command.entity_id} is a {entity_domain}: it does not know {command.action}."
            return [CommandSettled(command, "failed", now, error)]
        if len(self._pending) >= PENDING_MAX:
            error = f"{PENDING_MAX} commands are waiting already; {command.action} was not sent."
            return [CommandSettled(command, "failed", now, error)]
        given = self._supersede(command, now)
        pending = _Pending(command, confirm_within(command.action, command.data, device))
        self._add(pending)
        self._set_deadline(pending, command.expires_at)
        pending.is_being_sent = True
        return [*given, SaveCommand(command), SendCommand(command)]

    def _supersede(self, command: Command, now: datetime) -> list[Given]:
        given: list[Given] = []
        for older in tuple(self._by_entity.get(command.entity_id, ())):
            if _is_overruled(older.command, command):
                given += self._settle(older, "superseded", now)
        return given

    def _give_up(self, pending: "_Pending", now: datetime) -> list[Given]:
        if pending.command.sent_at is None:
            return self._settle(pending, "expired", now, "It could not be sent in time, and was not sent late.")
        if pending.command.recall is not None:
            return self._send_alone(pending, now)
        return self._settle(pending, "unconfirmed", now, "The device did not report that it did it.")

    def _send_alone(self, pending: "_Pending", now: datetime) -> list[Given]:
        """The copy of the scene did not move it: it is told itself."""
        pending.command = replace(pending.command, recall=None, attempt=pending.command.attempt + 1, sent_at=None)
        self._set_deadline(pending, now + RECALL_WITHIN)
        pending.is_being_sent = True
        return [SaveCommand(pending.command), SendCommand(pending.command)]

    def _add(self, pending: "_Pending") -> None:
        self._pending[pending.command.id] = pending
        self._by_entity.setdefault(pending.command.entity_id, []).append(pending)

    def _settle(
        self,
        pending: "_Pending",
        outcome: str,
        now: datetime,
        error: str | None = None,
        *,
        durability: Durability = Durability.LAZY,
    ) -> list[Given]:
        command = pending.command
        self.outcomes[outcome] += 1
        pending.deadline = None
        del self._pending[command.id]
        siblings = self._by_entity[command.entity_id]
        siblings.remove(pending)
        if not siblings:
            del self._by_entity[command.entity_id]
        return [
            SaveCommand(command, is_settled=True, durability=durability),
            CommandSettled(command, outcome, now, error),
        ]

    def _set_deadline(self, pending: "_Pending", deadline: datetime) -> None:
        pending.deadline = deadline
        self._count += 1
        heapq.heappush(self._deadlines, (deadline, self._count, pending))


class _Pending:
    """A command under way. Its entries in the heap that do not carry `deadline` are stale."""

    __slots__ = ("command", "confirm_within", "deadline", "is_being_sent")

    def __init__(self, command: Command, confirm_within: timedelta) -> None:
        self.command = command
        self.confirm_within = confirm_within
        self.deadline: datetime | None = None
        # From SendCommand until we hear of CommandSent or CommandNotSent.
        self.is_being_sent = False


def _resolve_toggle(action: str, domain: str, state: EntityState | None) -> str:
    """A toggle means the opposite of what is so now, decided once: sent twice it must not undo itself."""
    if not action.endswith(".toggle"):
        return action
    to_on, to_off = _TOGGLES.get(domain, ("turn_on", "turn_off"))
    is_shut = state is None or state.state in _SHUT or (domain == "media_player" and state.state in _SILENT)
    return f"{action.removesuffix('toggle')}{to_on if is_shut else to_off}"


def _is_overruled(older: Command, newer: Command) -> bool:
    if newer.action.partition(".")[0] in MOVING_DOMAINS:
        return ("tilt" in older.action) == ("tilt" in newer.action)
    return contradict(older.expected, newer.expected)
