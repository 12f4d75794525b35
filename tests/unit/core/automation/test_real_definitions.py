"""Automations that people run today, read where they lie."""

import json

from hub_agent.core.automation.loading import read_program
from hub_agent.core.automation.spelling import automation_fields
from hub_agent.core.automation.world import Outlook
from hub_agent.core.states import States
from hub_agent.errors import DefinitionError
from hub_agent.model.definition import Definition

from .conftest import BERLIN

# What stays out: device, calendar and tag triggers, texts behind !secret, spellings given up long ago.
SHARE_THAT_LOADS = 0.9


def test_nine_of_ten_real_automations_load_and_the_others_are_refused_with_words(real_fixtures) -> None:
    templates = Outlook(States(), BERLIN, lambda: "00000000-0000-4000-8000-000000000000").templates
    loaded, refused = 0, []
    for path in sorted(real_fixtures("automations").glob("*/automations.jsonl")):
        for line in path.read_text().splitlines():
            try:
                fields = automation_fields(json.loads(line)["automation"])
                read_program(Definition("automation", "id", fields), templates)
                loaded += 1
            except DefinitionError as err:
                refused.append(str(err))

    assert loaded / (loaded + len(refused)) > SHARE_THAT_LOADS, "\n".join(sorted(refused))
