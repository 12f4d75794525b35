from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub_agent.errors import OperatingError, TemplateError
from hub_agent.templating import SOURCE_CHARS_MAX, TEMPLATES_MAX, Templates, read_value
from hub_agent.templating.paths import NOT_TRIVIAL, recognise

TEMPLATES = Templates(time_zone=ZoneInfo("Europe/Berlin"))
BODY = {
    "temp": 21.56,
    "on": True,
    "off": False,
    "none": None,
    "deep": {"list": [{"x": "y"}]},
    "text": " 12.5 ",
    "n": "7",
}


def render(source: str, **variables: Any) -> str:
    return TEMPLATES.compile(source).render(**({"value_json": BODY, "value": "raw"} | variables))


@pytest.mark.parametrize(
    "source,expected",
    [
        ("{{ value_json.temp }}", "21.56"),
        ("{{value_json['temp']|round(1)}}", "21.6"),
        ("{{ value_json.temp | round }}", "22"),
        ("{{ value_json.temp | int }}", "21"),
        ("{{ value_json.text | float }}", "12.5"),
        ("{{ value_json.n | int }}", "7"),
        ("{{ value_json.on }}", "True"),
        ("{{ value_json.none }}", "None"),
        ("{{ value_json.missing }}", ""),
        ("{{ value_json.missing | default(0) }}", "0"),
        ("{{ value_json.missing | default('None') }}", "None"),
        ('{{ value_json["deep"].list.0.x }}', "y"),
        ("{{ value_json.deep.list[0]['x'] | upper }}", "Y"),
        ("{{ value }}", "raw"),
        ("{{ 'ON' if value_json.on else 'OFF' }}", "ON"),
        ("{%if value_json.off%}online{%else%}offline{%endif%}", "offline"),
        ("{{ 'ON' if value_json.missing else 'OFF' }}", "OFF"),
    ],
)
def test_a_small_template_gives_with_and_without_jinja_the_same(source: str, expected: str) -> None:
    assert recognise(source) is not None
    assert render(source) == expected
    # A comment in front makes the same template one that only Jinja understands.
    assert recognise("{# x #}" + source) is None
    assert render("{# x #}" + source) == expected


@pytest.mark.parametrize(
    "source", ["{{ value_json.deep.missing.x }}", "{{ value_json.missing | int }}", "{{ value_json.on.x.y }}"]
)
def test_a_small_template_that_fails_in_jinja_fails(source: str) -> None:
    with pytest.raises(TemplateError):
        render(source)


def test_names_that_mappings_have_themselves_are_left_to_jinja() -> None:
    assert recognise("{{ value_json.values }}") is None
    assert render("{{ value_json['values'] }}", value_json={"values": 3}) == "3"


def test_a_payload_that_is_not_json_is_an_undefined_value_json() -> None:
    assert TEMPLATES.compile("{{ value_json }}").render(value="x") == ""
    with pytest.raises(TemplateError, match="value_json"):
        TEMPLATES.compile("{{ value_json.a }}").render(value="x")


def test_a_trivial_path_leaves_unusual_values_to_jinja() -> None:
    look = recognise("{{ value_json.deep }}")
    assert look is not None
    assert look({"value_json": BODY}) is NOT_TRIVIAL
    assert render("{{ value_json.deep }}") == "{'list': [{'x': 'y'}]}"


@pytest.mark.parametrize(
    "source,expected",
    [
        ("{{ 16 | sqrt | round }}", "4"),
        ("{{ '5' | multiply(2) }}", "10.0"),
        ("{{ 7.25 | round(1, 'ceil') }} {{ 7.29 | round(1, 'floor') }} {{ 7.3 | round(1, 'half') }}", "7.3 7.2 7.5"),
        ("{{ 'x' | float(1.5) }} {{ 'x' | int(default=3) }} {{ 'maybe' | bool(false) }}", "1.5 3 False"),
        ("{{ 'on' | bool }} {{ 0 | bool }} {{ bool('enable') }}", "True False True"),
        ("{{ 'ff' | int(base=16) }}", "255"),
        ("{{ is_number('4.2') }} {{ 'nan' | is_number }} {{ 'x' is is_number }}", "True False False"),
        ("{{ 100 | log(10) }}", "2.0"),
        ("{{ 'foo_press' | regex_replace('foo', 'short') }}", "short_press"),
        ("{{ 'abc' is match('a') }} {{ 'abc' is search('B', ignorecase=true) }}", "True True"),
        ("{{ 'a1b22' | regex_findall('[0-9]+') }}", "['1', '22']"),
        ("{{ ('{\"a\": [1, 2]}' | from_json).a | to_json }}", "[1,2]"),
        ('{{ {"id": 1, "on": true} | tojson }}', '{"id": 1, "on": true}'),
        ("{{ iif(true, 'a', 'b') }} {{ none | iif('a', 'b', 'c') }}", "a c"),
        ("{{ 0 | timestamp_custom('%H:%M') }} {{ 0 | timestamp_local }}", "01:00 1970-01-01T01:00:00+01:00"),
        ("{{ as_timestamp('1970-01-01T00:01:00+00:00') }}", "60.0"),
        ("{{ as_datetime('2024-01-01 12:00:00').hour }}", "12"),
        ("{{ strptime('2024', '%Y').year }}", "2024"),
        ("{{ 13 | bitwise_and(7) }} {{ 8 | bitwise_or(1) }}", "5 9"),
        ("{{ 'A' | ord }} {{ 'hi' | base64_encode }} {{ 'aGk=' | base64_decode }}", "65 aGk= hi"),
        ("{{ [1, 2, 6] | average }} {{ max(1, 5) }} {{ [4, 2] | min }} {{ median([1, 2, 9]) }}", "3.0 5 2 2"),
        ("{{ 'Living Room Ä' | slugify }}", "living_room_a"),
        ("{{ value | unpack('b') }}", "5"),
        ("{{ [1, [2, [3]]] | flatten }} {{ dict(a=1) | combine({'b': 2}) }}", "[1, 2, 3] {'a': 1, 'b': 2}"),
        ("{% for i in range(5) %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}", "012"),
        ("{{ 'a-b'.split('-')[1] }} {{ '%03d' | format(7) }} {{ 'a{}'.format(1) }}", "b 007 a1"),
    ],
)
def test_functions_of_home_assistant(source: str, expected: str) -> None:
    assert render(source, value=b"\x05") == expected


def test_more_names_may_be_given_such_as_now() -> None:
    templates = Templates(globals={"now": lambda: datetime(2026, 1, 1, tzinfo=UTC)})
    assert (
        templates.compile("{{ (as_timestamp(now()) - 60) | timestamp_local }}").render() == "2025-12-31T23:59:00+00:00"
    )


@pytest.mark.parametrize(
    "text,value",
    [
        ("21.5", 21.5),
        ("-3", -3),
        ("007", "007"),
        ("1e5", "1e5"),
        ("True", True),
        ("None", None),
        ("true", "true"),
        ("on", "on"),
        ("'quoted'", "'quoted'"),
        ("[1, 'a', None]", [1, "a", None]),
        ("{'a': {1: (2, 3)}}", {"a": {"1": [2, 3]}}),
        ("1, 2", [1, 2]),
        ("12:30", "12:30"),
        ("1+1j", "1+1j"),
        ("[" * 5000, "[" * 5000),
        ("9" * 5000, "9" * 5000),
        ("", ""),
    ],
)
def test_what_a_rendered_text_says_as_a_value(text: str, value: Any) -> None:
    assert read_value(text) == value


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 10**8 }}",
        "{{ [0] * 10**8 }}",
        "{{ 10 ** 10000 }}",
        "{{ range(10**9) | list }}",
        "{% for i in range(40000) %}{% for j in range(40000) %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}",
        "{% set x = 'aa' %}" + "{% set x %}{{ x }}{{ x }}{% endset %}" * 60 + "{{ x }}",
        "{% set x = [1] %}" + "{% set x = [x, x] %}" * 60 + "{{ x }}",
        "{% set x = [1] %}" + "{% set x = [x, x] %}" * 60 + "{{ x | tojson }}{{ x | to_json }}",
        "{% set x = [1] %}" + "{% set x = [x, x] %}" * 60 + "{{ '{}'.format(x) }}",
        "{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}",
        "{{ '%99999999d' % 1 }}",
        "{{ '{:>99999999}'.format(1) }}",
        "{{ 'a'.center(99999999) }}",
        "{{ 'a' | center(99999999) }}{{ 'a'.replace('a', 'b' * 60000).replace('b', 'c' * 60000) }}",
        "{{ ('a' * 60000) | replace('a', 'b' * 60000) }}",
        "{{ range(40000) | join('a' * 60000) }}",
        "{{ 0 | timestamp_custom('%99999999d') }}",
        "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab' | regex_match('(a+)+$') }}",
        "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab' | regex_match('(a|a)*$') }}",
        "{{ ('a' * 8000) | regex_search('a*a*b') }}",
        "{{ ('a' * 250) | regex_search('.*.*.*.*b') }}",
        "{% for x in [[[1]]] recursive %}{{ loop(x) }}{% endfor %}",
        "{{ ''.__class__.__mro__ }}",
        "{{ value_json.update({'a': 1}) }}",
        "{{ lipsum(1000) }}",
        "{% include 'x' %}",
        "{{ 1 / 0 }}",
        "{{ value_json.",
        "{{ 'a' | nosuchfilter }}",
        "x" * (SOURCE_CHARS_MAX + 1),
    ],
)
def test_a_hostile_or_broken_template_is_an_error_said_in_words(source: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render(source)
    assert isinstance(caught.value, OperatingError)
    assert 10 < len(str(caught.value)) < 500


def test_compiled_templates_are_kept_up_to_a_bound() -> None:
    templates = Templates()
    first = templates.compile("{{ value }} 0")
    assert templates.compile("{{ value }} 0") is first
    for number in range(TEMPLATES_MAX):
        templates.compile(f"{{{{ value_json.x{number} }}}}")
    assert templates.compile("{{ value }} 0") is not first


@pytest.mark.parametrize(
    "source, words",
    [
        ("{{ 1 | no_such_filter }}", "No filter named 'no_such_filter'"),
        ("{{ 1 is no_such_test }}", "No test named 'no_such_test'"),
        ("{{ 1 + }}", "unexpected"),
    ],
)
def test_what_cannot_be_compiled_is_found_when_the_template_is_read(source, words) -> None:
    with pytest.raises(TemplateError, match=words):
        Templates().compile(source)
