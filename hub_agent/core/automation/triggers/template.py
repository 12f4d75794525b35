"""`template`: a template becomes true after it has been seen false."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub_agent.core.automation.exchange import Attachment
from hub_agent.core.automation.reading import Fields
from hub_agent.core.automation.triggers.trigger import Reader
from hub_agent.core.automation.values import Duration, Variables, is_truth, read_duration, read_template
from hub_agent.core.automation.views import view, view_of_new
from hub_agent.core.automation.world import Looked
from hub_agent.errors import TemplateError
from hub_agent.model.effects import Warn
from hub_agent.model.json import JsonValue
from hub_agent.model.state import StateChanged
from hub_agent.templating import Template

MINUTE = timedelta(minutes=1)
# What looks at many entities is not rendered at each change of one of them.
BROAD_PAUSE = timedelta(seconds=1)


class Watch:
    """Renders a template again whenever what it has looked at changes, and each minute if it looks at the clock."""

    def __init__(
        self,
        template: Template,
        attachment: Attachment,
        variables: Callable[[], Variables],
        on_truth: Callable[[bool, StateChanged | None, datetime], None],
    ) -> None:
        self._template = template
        self._attachment = attachment
        self._variables = variables
        self._on_truth = on_truth
        self._looked = Looked()
        self._looked_at: datetime | None = None

    def look(self, now: datetime) -> bool | None:
        """Whether it is true now; None when it fails. Listens to what it has looked at."""
        outlook = self._attachment.exchange.outlook
        before, outlook.looked = outlook.looked, Looked()
        outlook.now = now
        try:
            return is_truth(self._template.render(**self._variables()))
        except TemplateError as err:
            self._attachment.exchange.emit(
                Warn(f"template/{hash(self._template.source)}", f"A watched template failed: {err}")
            )
            return None
        finally:
            looked, outlook.looked = outlook.looked, before
            self._looked = looked
            is_broad = looked.at_all or bool(looked.domains)
            self._attachment.watch(looked.entity_ids, self._handle, at_all=is_broad)
            if looked.at_clock:
                minute = now.replace(second=0, microsecond=0) + MINUTE
                self._attachment.set_alarm("minute", minute, self._wake, is_elapsed=False)

    def schedule(self, now: datetime) -> None:
        """The clock was set."""
        self._wake(now)

    def _handle(self, change: StateChanged, now: datetime) -> None:
        looked = self._looked
        if change.entity_id not in looked.entity_ids:
            if not looked.at_all and change.entity_id.partition(".")[0] not in looked.domains:
                return
            if self._looked_at is not None and now < self._looked_at + BROAD_PAUSE:
                self._attachment.set_alarm("pause", self._looked_at + BROAD_PAUSE, self._wake, is_elapsed=True)
                return
        self._tell(change, now)

    def _wake(self, now: datetime) -> None:
        self._tell(None, now)

    def _tell(self, change: StateChanged | None, now: datetime) -> None:
        # Not the first look of all: the hub may just have started again, and what happens next is told as ever.
        self._looked_at = now
        is_true = self.look(now)
        if is_true is not None:
            self._on_truth(is_true, change, now)


@dataclass(frozen=True, slots=True)
class TemplateSource:
    template: Template
    length: Duration | None

    def attach(self, attachment: Attachment, now: datetime) -> "AttachedTemplate":
        return AttachedTemplate(self, attachment, now)


class AttachedTemplate:
    def __init__(self, source: TemplateSource, attachment: Attachment, now: datetime) -> None:
        self._source = source
        self._attachment = attachment
        self._watch = Watch(source.template, attachment, attachment.variables, self._handle)
        self._is_armed = self._watch.look(now) is False

    def is_still_so(self, _key: str, _check: JsonValue, now: datetime) -> bool:
        return self._watch.look(now) is True

    def schedule(self, now: datetime) -> None:
        self._watch.schedule(now)

    def _handle(self, is_true: bool, change: StateChanged | None, now: datetime) -> None:  # noqa: FBT001 - what the watch tells
        if not is_true:
            self._is_armed = True
            self._attachment.end_hold("template")
        elif self._is_armed:
            self._is_armed = False
            self._become_true(change, now)

    def _become_true(self, change: StateChanged | None, now: datetime) -> None:
        told: dict[str, object] = {
            "entity_id": None,
            "from_state": None,
            "to_state": None,
            "for": None,
            "description": "time change or manual update via template",
        }
        if change is not None:
            told |= {
                "entity_id": change.entity_id,
                "from_state": view(change.entity_id, change.old),
                "to_state": view_of_new(change),
                "description": f"{change.entity_id} via template",
            }
        length = timedelta()
        if self._source.length is not None:
            try:
                length = self._source.length.get(lambda: {**self._attachment.variables(), "trigger": told})
            except (TemplateError, ValueError) as err:
                self._attachment.exchange.emit(Warn("for/template", f"A trigger's `for` failed: {err}"))
                return
            told["for"] = length
        if length:
            self._attachment.hold("template", length, None, told, now)
        else:
            self._attachment.fire(told, now)


def read_template_trigger(fields: Fields, reader: Reader) -> TemplateSource:
    template = read_template(fields.require("value_template"), reader.templates, fields.path("value_template"))
    length = read_duration(fields.take("for"), reader.templates, fields.path("for")) if fields.has("for") else None
    return TemplateSource(template, length)
