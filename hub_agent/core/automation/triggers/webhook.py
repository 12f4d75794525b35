"""`webhook`: an HTTP request comes in."""

from dataclasses import dataclass
from datetime import datetime

from hub_agent.core.automation.exchange import Attachment
from hub_agent.core.automation.reading import Fields, items_of, read_boolean, read_choices
from hub_agent.core.automation.triggers.trigger import NeverHeld, Reader
from hub_agent.core.automation.values import read_value
from hub_agent.errors import DefinitionError
from hub_agent.model.inputs import WebhookCalled

METHODS = ("GET", "HEAD", "POST", "PUT")


@dataclass(frozen=True, slots=True)
class WebhookSource:
    webhook_id: str
    methods: frozenset[str]
    is_local_only: bool

    def attach(self, attachment: Attachment, _now: datetime) -> NeverHeld:
        def handle(called: WebhookCalled, now: datetime) -> None:
            if called.method in self.methods and (called.is_local or not self.is_local_only):
                told: dict[str, object] = {
                    "webhook_id": called.webhook_id,
                    "query": called.query or {},
                    "description": "webhook",
                }
                if called.form is not None:
                    told["data"] = called.form
                else:
                    told["json"] = called.json
                attachment.fire(told, now)

        attachment.listen_webhook(self.webhook_id, handle)
        return NeverHeld()


def read_webhook(fields: Fields, reader: Reader) -> WebhookSource:
    methods = frozenset(("POST", "PUT"))
    if fields.has("allowed_methods"):
        given = [each.upper() if isinstance(each, str) else each for each in items_of(fields.take("allowed_methods"))]
        methods = frozenset(read_choices(given, METHODS, fields.path("allowed_methods")))
    is_local_only = read_boolean(fields.take("local_only", True), fields.path("local_only"))
    where = fields.path("webhook_id")
    webhook_id = str(reader.limited(read_value(fields.word("webhook_id"), reader.templates, where), where))
    if not webhook_id:
        raise DefinitionError("must not be empty", where)
    return WebhookSource(webhook_id, methods, is_local_only)
