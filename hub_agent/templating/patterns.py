"""Patterns that people give for texts, within the bounds that patterns of templates have."""

import re

from hub_agent.errors import TemplateError
from hub_agent.templating.functions import TooLarge, search_in


def matches_whole(pattern: str, text: str) -> bool:
    """Raises TemplateError where the pattern is none, or may backtrack without end."""
    try:
        compiled, subject = search_in(text, pattern, ignorecase=False, is_anchored=True)
    except (TooLarge, re.error) as err:
        raise TemplateError(str(err)) from err
    return compiled.fullmatch(subject) is not None
