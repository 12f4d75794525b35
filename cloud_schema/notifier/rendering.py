"""Templates are written by operators and filled with people's words; both are bounded here. Of Jinja only what can be
bounded by looking at it is let through: text, variables, conditions, one level of `for` over a list of the row, and
filters that do not multiply. So no template can run long, grow large or reach anything but its variables.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

TEMPLATE_LENGTH_MAX = 64 * 1024
OUTPUT_LENGTH_MAX = 1_000_000
# channel -> longest subject, longest text
LENGTHS_MAX: Mapping[str, tuple[int, int]] = {
    "push": (200, 2000),
    "email": (200, 50_000),
    "sms": (0, 480),
    "webhook": (200, 4000),
}
HTML_LENGTH_MAX = 200_000
FILTERS = (
    "default",
    "d",
    "upper",
    "lower",
    "capitalize",
    "title",
    "trim",
    "truncate",
    "length",
    "first",
    "last",
    "escape",
    "e",
    "int",
    "round",
)
NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.If,
    nodes.For, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Test, nodes.Filter,
    nodes.Keyword, nodes.Concat,
)  # fmt: skip
TESTS = ("defined", "undefined", "none", "string", "number", "sameas", "in")


class TemplateRefused(Exception):
    """A template with something in it that is not let through."""


# What a template may do wrong; the last three while it is translated.
FAILURES = (
    TemplateError, TemplateRefused, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError,
    SyntaxError, MemoryError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rendered:
    """What goes out. `template_error` says why the template was left aside, if it was."""

    subject: str
    text: str
    html: str | None = None
    template_id: str | None = None
    template_error: str | None = None


def render(
    channel: str, template: Mapping[str, Any] | None, variables: Mapping[str, Any], subject: str, body: str
) -> Rendered:
    """The message of a row: by its template, or plainly where there is none or it fails."""
    plain = _fitted(channel, subject, body, None)
    if template is None:
        return plain
    try:
        made = _fitted(
            channel,
            _filled(template.get("subject"), variables, is_html=False) or subject,
            _filled(template.get("body"), variables, is_html=False) or body,
            _filled(template.get("html"), variables, is_html=True) if channel == "email" else None,
        )
    except FAILURES as err:
        return Rendered(plain.subject, plain.text, template_error=f"{type(err).__name__}: {err}"[:300])
    return Rendered(made.subject, made.text, made.html, str(template["id"]))


def render_digest(channel: str, template: Mapping[str, Any] | None, messages: Sequence[Mapping[str, Any]]) -> Rendered:
    """Several messages of one person joined in one. Each is {"subject", "body", "variables"}."""
    lines = [
        {
            "title": m["subject"] or "",
            "message": m["body"],
            "home": "",
            "local_time": "",
            "severity": "",
            "is_over": False,
            **m["variables"],
        }
        for m in messages
    ]
    name = next((line["name"] for line in lines if line.get("name")), "")
    plain = "\n".join(
        f"{line['local_time']} {line['home']}: {line['title']}{' (over)' if line['is_over'] else ''}".strip()
        for line in lines
    )
    variables = {"name": name, "count": len(lines), "items": lines}
    return render(channel, template, variables, f"{len(lines)} messages from your home", plain)


def _filled(source: str | None, variables: Mapping[str, Any], *, is_html: bool) -> str | None:
    if not source:
        return None
    made: list[str] = []
    room = OUTPUT_LENGTH_MAX
    for piece in _compiled(source, is_html).generate(variables):
        made.append(piece)
        room -= len(piece)
        if room < 0:
            raise TemplateRefused(f"it makes more than {OUTPUT_LENGTH_MAX} characters")
    return "".join(made)


def _fitted(channel: str, subject: str, text: str, html: str | None) -> Rendered:
    longest_subject, longest_text = LENGTHS_MAX.get(channel, (200, 2000))
    # A subject is one line of a header.
    subject = " ".join("".join(c if c.isprintable() else " " for c in subject).split())
    return Rendered(
        subject[:longest_subject],
        re.sub(r"[^\S\n]+\n", "\n", _without_controls(text)).strip()[:longest_text] or subject,
        html[:HTML_LENGTH_MAX] if html else None,
    )


def _without_controls(text: str) -> str:
    return "".join(c for c in text if c == "\n" or c.isprintable())


@lru_cache(maxsize=512)
def _compiled(source: str, is_html: bool) -> Template:  # noqa: FBT001  # a key of the cache
    if len(source) > TEMPLATE_LENGTH_MAX:
        raise TemplateRefused(f"longer than {TEMPLATE_LENGTH_MAX} characters")
    environment = _environment(is_html=is_html)
    _require_bounded(environment.parse(source), depth=0)
    return environment.from_string(source)


def _environment(*, is_html: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        autoescape=is_html, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters = {name: environment.filters[name] for name in FILTERS}
    environment.tests = {name: environment.tests[name] for name in TESTS}
    environment.globals = {}
    return environment


def _require_bounded(node: nodes.Node, depth: int) -> None:
    if not isinstance(node, NODES):
        raise TemplateRefused(f"{type(node).__name__.lower()} is not allowed")
    if isinstance(node, nodes.For):
        depth += 1
        if depth > 1 or node.recursive or not isinstance(node.iter, nodes.Name | nodes.Getattr):
            raise TemplateRefused("only one loop at a time, over a list of the message")
    for child in node.iter_child_nodes():
        _require_bounded(child, depth)
