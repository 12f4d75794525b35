"""Whatever is issued, lost, reported or crashed: nothing is sent late, and every command settles once."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hub_agent.core.commands import Commands
from hub_agent.model.action import Call, Command, CommandSettled
from hub_agent.model.device import Device, DeviceType, Entity, Origin
from hub_agent.model.effects import Durability, SaveCommand, SendCommand
from hub_agent.model.ids import CallId, CommandId, DeviceId, EntityId
from hub_agent.model.inputs import CommandNotSent, CommandSent
from hub_agent.model.state import Cause, EntityState

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
ENTITIES = ("light.a", "light.b", "cover.c", "button.d")
ACTIONS = {
    "light": (("turn_on", {}), ("turn_on", {"brightness": 100}), ("turn_off", {}), ("toggle", {})),
    "cover": (("open_cover", {}), ("set_cover_position", {"position": 40}), ("stop_cover", {})),
    "button": (("press", {}),),
}
STATES = {"light": ("on", "off", "unavailable"), "cover": ("open", "closed", "opening"), "button": ("unknown",)}


def thing(entity_id: str) -> tuple[Device, Entity]:
    device_id = DeviceId(entity_id)
    origin = Origin("zigbee2mqtt", entity_id)
    device = Device(
        device_id, origin, (), entity_id, False, None, None, None, DeviceType.OTHER, None, None, None, None, {}, ()
    )
    domain = entity_id.partition(".")[0]
    return device, Entity(EntityId(entity_id), device_id, "k", domain, None, None, None, None, None, {}, {})


class CommandsMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.numbers = count(1)
        self.now = NOON
        self.commands = self.fresh()
        self.kept: dict[CommandId, Command] = {}  # what a crash leaves
        self.lazy: list[SaveCommand] = []
        self.on_wire: list[Command] = []
        self.issued: set[CommandId] = set()
        self.ends: Counter[CommandId] = Counter()
        self.has_lost = False

    def fresh(self) -> Commands:
        return Commands(lambda: f"c{next(self.numbers)}")

    def take(self, given: list) -> None:
        for effect in given:
            match effect:
                case SaveCommand():
                    self.issued.add(effect.command.id)
                    self.lazy.append(effect)
                    if effect.durability >= Durability.COMMIT:
                        self.commit()
                case SendCommand(command):
                    assert command.id in self.kept, "it is durable before it is sent"
                    assert self.now < command.expires_at, "nothing is sent late"
                    self.on_wire.append(command)
                case CommandSettled(command):
                    self.issued.add(command.id)
                    self.ends[command.id] += 1

    @rule()
    def commit(self) -> None:
        for effect in self.lazy:
            if effect.is_settled:
                self.kept.pop(effect.command.id, None)
            else:
                self.kept[effect.command.id] = effect.command
        self.lazy.clear()

    @rule(entity_id=st.sampled_from(ENTITIES), choice=st.integers(0, 3), known=st.integers(0, 2))
    def issue(self, entity_id: str, choice: int, known: int) -> None:
        domain = entity_id.partition(".")[0]
        verb, data = ACTIONS[domain][choice % len(ACTIONS[domain])]
        state = EntityState(STATES[domain][known % len(STATES[domain])], {}, NOON, NOON)
        call = Call(CallId("call"), f"{domain}.{verb}", (EntityId(entity_id),), data, Cause("manual"))
        self.take(self.commands.issue(call, [(*thing(entity_id), state)], self.now))

    @precondition(lambda self: self.on_wire)
    @rule(outcome=st.sampled_from(["sent", "sent", "sent", "no way", "never"]))
    def publish(self, outcome: str) -> None:
        command = self.on_wire.pop(0)
        if outcome == "sent":
            self.take(self.commands.handle_sent(CommandSent(command.id), self.now))
        else:
            not_sent = CommandNotSent(command.id, outcome, may_try_again=outcome == "no way")
            self.take(self.commands.handle_not_sent(not_sent, self.now))

    @rule(
        entity_id=st.sampled_from(ENTITIES),
        choice=st.integers(0, 2),
        brightness=st.sampled_from([None, 40, 100]),
        position=st.sampled_from([None, 40]),
    )
    def report(self, entity_id: str, choice: int, brightness: int | None, position: int | None) -> None:
        states = STATES[entity_id.partition(".")[0]]
        attributes = {"brightness": brightness, "current_position": position}
        state = EntityState(states[choice % len(states)], attributes, self.now, self.now)
        self.take(self.commands.handle_state(EntityId(entity_id), state, self.now))

    @rule()
    def connect(self) -> None:
        self.take(self.commands.handle_connected(self.now))

    @rule(seconds=st.sampled_from([0.5, 5, 29, 61]))
    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.take(self.commands.handle_timer(self.now))

    @rule(by=st.sampled_from([-3600, 3600, 86_400]))
    def step_clock(self, by: int) -> None:
        self.now += timedelta(seconds=by)
        self.take(self.commands.handle_clock_step(timedelta(seconds=by)))

    @rule(loses=st.booleans())
    def crash(self, loses: bool) -> None:
        if loses:
            self.has_lost = self.has_lost or bool(self.lazy)
            self.lazy.clear()
        self.commit()
        self.on_wire.clear()
        self.commands = self.fresh()
        self.take(self.commands.restore(list(self.kept.values()), self.now))

    @invariant()
    def no_command_settles_twice(self) -> None:
        if not self.has_lost:
            assert all(times == 1 for times in self.ends.values())

    @invariant()
    def nothing_waits_in_the_past(self) -> None:
        timer = self.commands.get_timer()
        assert timer is None or timer > self.now - timedelta(seconds=1)

    def teardown(self) -> None:
        self.now += timedelta(hours=1)
        self.take(self.commands.handle_timer(self.now))
        assert self.commands.get_timer() is None
        assert set(self.ends) == self.issued, "every command has an end"
        assert not any(self.commands.has_pending(EntityId(entity_id)) for entity_id in ENTITIES)


TestCommands = CommandsMachine.TestCase
TestCommands.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
