"""Each function, filter and test of templates that looks at no home, with the answers that Home Assistant gives."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub_agent.errors import TemplateError
from hub_agent.templating import Templates

TEMPLATES = Templates(time_zone=ZoneInfo("Europe/Berlin"))


def render(source: str, **variables: Any) -> str:
    return TEMPLATES.compile(source).render(**variables)


def shows(source: str, expected: str) -> None:
    assert render("{{ " + source + " }}") == expected


@pytest.mark.parametrize(
    "source, expected",
    [
        ("'3.7' | float + 1", "4.7"),
        ("float('x', 0)", "0"),
        ("'x' | float(none)", "None"),
        ("'12.9' | int", "12"),
        ("int('0x1f', base=16)", "31"),
        ("'x' | int(-1)", "-1"),
        ("['on', 'TRUE', 'yes', '1', 'enable', 5] | map('bool') | list", "[True, True, True, True, True, True]"),
        ("'off' | bool", "False"),
        ("'perhaps' | bool(default=none)", "None"),
        ("['1', 'inf', 'nan', none, true, 'x'] | map('is_number') | list", "[True, False, False, False, True, False]"),
        ("2.5 | round", "2"),
        ("3.14159 | round(2)", "3.14"),
        ("3.141 | round(2, 'ceil')", "3.15"),
        ("3.149 | round(2, 'floor')", "3.14"),
        ("3.3 | round(1, 'half')", "3.5"),
        ("3.6 | round(0, 'half')", "3"),
        ("'x' | round(1, default='?')", "?"),
        ("1234 | round(-2)", "1200.0"),
        ("'5' | add(2)", "7.0"),
        ("'x' | add(2, 'no')", "no"),
        ("'5' | multiply(2)", "10.0"),
        ("'x' | multiply(2, default=0)", "0"),
        ("8 | log(2)", "3.0"),
        ("log(0, 10, 'none')", "none"),
        ("e | log | round(6)", "1.0"),
        ("(pi / 2) | sin", "1.0"),
        ("0 | cos", "1.0"),
        ("0 | tan", "0.0"),
        ("1 | asin | round(4)", "1.5708"),
        ("1 | acos", "0.0"),
        ("1 | atan | round(4)", "0.7854"),
        ("atan2(1, 1) | round(4)", "0.7854"),
        ("[1, 1] | atan2 | round(4)", "0.7854"),
        ("atan2('x', 1, 'no')", "no"),
        ("tau | round(3)", "6.283"),
        ("16 | sqrt", "4.0"),
        ("-1 | sqrt('no')", "no"),
        ("[1, 2, 6] | average", "3.0"),
        ("average(1, 2)", "1.5"),
        ("average([], 'none')", "none"),
        ("average(['a'], default=0)", "0"),
        ("median([1, 3, 2])", "2"),
        ("median(1, 2)", "1.5"),
        ("[] | median(0)", "0"),
        ("['a', 'b', 'b'] | statistical_mode", "b"),
        ("statistical_mode(1, 2, 2)", "2"),
        ("min(3, 1, 2)", "1"),
        ("max([3, 1, 2])", "3"),
        ("[{'v': 1}, {'v': 5}] | max(attribute='v')", "{'v': 5}"),
        ("[3, 1] | min", "1"),
        ("13 | bitwise_and(6)", "4"),
        ("bitwise_or(8, 1)", "9"),
        ("bitwise_xor(6, 3)", "5"),
        ("clamp(15, 0, 10)", "10.0"),
        ("'-3' | clamp(0, 10)", "0.0"),
        ("wrap(370, 0, 360)", "10.0"),
        ("-10 | wrap(0, 360)", "350.0"),
        ("wrap(5, 3, 3)", "3.0"),
        ("remap(5, 0, 10, 0, 100)", "50.0"),
        ("15 | remap(0, 10, 0, 100)", "150.0"),
        ("remap(15, 0, 10, 0, 100, edges='clamp')", "100.0"),
        ("remap(12, 0, 10, 0, 100, edges='wrap')", "20.0"),
        ("remap(12, 0, 10, 0, 100, edges='mirror')", "80.0"),
        ("remap(-2, 0, 10, 0, 100, edges='mirror')", "20.0"),
        ("remap(0.34, 0, 1, 0, 10, steps=2)", "5.0"),
        ("[1, 2, 3] | sum", "6"),
        ("[[1], [2, 3]] | sum(start=[])", "[1, 2, 3]"),
        ("[{'a': 1}, {'a': 2}] | sum(attribute='a')", "3"),
    ],
)
def test_numbers(source, expected):
    shows(source, expected)


@pytest.mark.parametrize(
    "source, expected",
    [
        ("'Wohnzimmer Lüfter' | slugify", "wohnzimmer_lufter"),
        ("slugify('Straße 1,000', '-')", "strasse-1000"),
        ("'Ørsted' | slugify", "orsted"),
        ("'' | slugify", ""),
        ("'!!' | slugify", "unknown"),
        ("[1, 2, 3, 4, 11, 12, 13, 21, 112] | map('ordinal') | join(' ')", "1st 2nd 3rd 4th 11th 12th 13th 21st 112th"),
        ("'a b&c' | urlencode", "a%20b%26c"),
        ("urlencode({'q': 'a b'})", "q=a+b"),
        ("'abc' | regex_match('ab')", "True"),
        ("'xabc' | regex_match('ab')", "False"),
        ("'xabc' | regex_search('AB', ignorecase=true)", "True"),
        ("'a-b-c' | regex_replace('-', '+')", "a+b+c"),
        ("'a1b2' | regex_findall('[0-9]')", "['1', '2']"),
        ("'a1b2' | regex_findall_index('[0-9]', 1)", "2"),
        ("'2026-01-14' | regex_replace('(\\\\d+)-(\\\\d+)-(\\\\d+)', '\\\\3.\\\\2.')", "14.01."),
        ("'abc' is match('a')", "True"),
        ("'abc' is search('c')", "True"),
        ("'hello' | base64_encode", "aGVsbG8="),
        ("'aGVsbG8=' | base64_decode", "hello"),
        ("'0fff' | from_hex | unpack('>H')", "4095"),
        ("pack(1, '>H') | unpack('>H')", "1"),
        ("'x' | pack('>H')", "None"),
        ("'A' | ord", "65"),
        ("md5('a')", "0cc175b9c0f1b6a831c399e269772661"),
        ("'a' | sha1", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        ("('a' | sha256)[:8]", "ca978112"),
        ("(sha512('a'))[:8]", "1f40fc92"),
        ("'{\"a\": [1]}' | from_json", "{'a': [1]}"),
        ("'{' | from_json('bad')", "bad"),
        ("{'b': 1, 'a': 'ä'} | to_json(sort_keys=true)", '{"a":"ä","b":1}'),
        ("{'a': 'ä'} | to_json(ensure_ascii=true)", '{"a": "\\u00e4"}'),
        ("('one two three' | wordwrap(7)).split('\\n')", "['one two', 'three']"),
        ("'%s has %d' | format('x', 3)", "x has 3"),
        ("['a', 'b'] | join('-')", "a-b"),
        ("'a-b' | replace('-', '+')", "a+b"),
        ("'kitchen light' | title", "Kitchen Light"),
        ("'  x ' | trim | upper", "X"),
        ("'abcdefghij' | truncate(2, true, '')", "ab"),
    ],
)
def test_texts_and_other_forms(source, expected):
    shows(source, expected)


@pytest.mark.parametrize(
    "source, expected",
    [
        ("[3, 1] | union([1, 2])", "[3, 1, 2]"),
        ("intersect([3, 1, 3], [1, 3])", "[3, 1]"),
        ("[1, 2, 3] | difference([2])", "[1, 3]"),
        ("[1, 2] | symmetric_difference([2, 3])", "[1, 3]"),
        ("[1, [2, [3, [4]]]] | flatten", "[1, 2, 3, 4]"),
        ("flatten([1, [2, [3]]], levels=1)", "[1, 2, [3]]"),
        ("{'a': 1} | combine({'b': 2}, {'a': 3})", "{'a': 3, 'b': 2}"),
        ("combine({'a': {'x': 1}}, {'a': {'y': 2}}, recursive=true)", "{'a': {'x': 1, 'y': 2}}"),
        ("zip([1, 2], ['a', 'b']) | list", "[(1, 'a'), (2, 'b')]"),
        ("['item10', 'item9', 'item-1'] | natural_sort", "['item-1', 'item9', 'item10']"),
        ("[{'n': 'b2'}, {'n': 'b10'}] | natural_sort(key='n', reverse=true)", "[{'n': 'b10'}, {'n': 'b2'}]"),
        ("[1, 2] is contains(1)", "True"),
        ("['a', 'b'] | contains('c')", "False"),
        ("[['a'], ['b']] | select('contains', 'b') | list", "[['b']]"),
        ("set([1, 1]) | list", "[1]"),
        ("tuple([1, 2])", "(1, 2)"),
        ("[[1] is list, (1,) is tuple, set([1]) is set, [1] is set]", "[True, True, True, False]"),
        ("['x' is string_like, 1 is string_like]", "[True, False]"),
        ("as_datetime('2026-01-14 12:00') is datetime", "True"),
        ("[1 is is_number, 'x' is is_number]", "[True, False]"),
        ("[1, 'a', 1.5, none, true, [], {}] | map('typeof') | join(' ')", "int str float NoneType bool list dict"),
        ("iif(true, 'yes', 'no')", "yes"),
        ("'' | iif('yes', 'no')", "no"),
        ("none | iif('yes', 'no', 'nothing')", "nothing"),
        ("1 | iif", "True"),
        ("version('2026.10') > version('2026.9')", "True"),
        ("'1.0.0' | version == '1.0'", "True"),
        ("version('2.0.0b3') < '2.0.0'", "True"),
        ("version('1.2.3').minor", "2"),
        (
            "merge_response({'calendar.a': {'events': [{'s': 1}]}, 'calendar.b': {'events': []}})",
            "[{'s': 1, 'entity_id': 'calendar.a', 'value_key': 'events'}]",
        ),
        ("merge_response({'vacuum.a': {'x': 1, 'y': 2}})", "[{'x': 1, 'y': 2, 'entity_id': 'vacuum.a'}]"),
        ("[4, 5] | map('apply', float) | list", "[4.0, 5.0]"),
        ("'7' | apply(int)", "7"),
        ("x | default('d')", "d"),
        ("[1, 2, 3, 4, 5] | batch(2) | list", "[[1, 2], [3, 4], [5]]"),
        ("{'b': 1, 'a': 2} | dictsort", "[('a', 2), ('b', 1)]"),
        ("{'a': 1} | items | list", "[('a', 1)]"),
    ],
)
def test_lists_mappings_and_any_value(source, expected):
    shows(source, expected)


@pytest.mark.parametrize(
    "source, expected",
    [
        ("as_datetime('2026-01-14T12:00:00Z')", "2026-01-14 12:00:00+00:00"),
        ("as_datetime('2026-1-9 7:05')", "2026-01-09 07:05:00"),
        ("0 | as_datetime", "1970-01-01 00:00:00+00:00"),
        ("'1700000000' | as_datetime | as_local", "2023-11-14 23:13:20+01:00"),
        ("as_datetime('nonsense')", "None"),
        ("as_datetime('nonsense', 'never')", "never"),
        ("as_datetime('2026-07-01 12:00') | as_local", "2026-07-01 12:00:00+02:00"),
        ("as_timestamp('2026-01-14 13:00:00')", "1768392000.0"),
        ("'x' | as_timestamp(0)", "0"),
        ("as_timedelta('PT1H30M')", "1:30:00"),
        ("'P1DT2H' | as_timedelta", "1 day, 2:00:00"),
        ("as_timedelta('1 day, 2:03:04')", "1 day, 2:03:04"),
        ("as_timedelta('04:30')", "0:04:30"),
        ("as_timedelta('90')", "0:01:30"),
        ("as_timedelta('soon')", "None"),
        ("strptime('14.01.2026', '%d.%m.%Y').month", "1"),
        ("strptime('x', '%Y', 'no')", "no"),
        ("0 | timestamp_custom('%Y %H')", "1970 01"),
        ("0 | timestamp_custom('%H', false)", "00"),
        ("'x' | timestamp_custom('%H', true, 'no')", "no"),
        ("0 | timestamp_local", "1970-01-01T01:00:00+01:00"),
        ("0 | timestamp_utc", "1970-01-01T00:00:00+00:00"),
        ("timedelta(hours=1, minutes=1) | timedelta_string", "1 hour"),
        ("timedelta_string(timedelta(days=400, hours=1), 2)", "1 year 1 month"),
        ("timedelta_string(timedelta(seconds=3725), 0)", "1 hour 2 minutes 5 seconds"),
        ("timedelta_string(timedelta(0))", "0 seconds"),
    ],
)
def test_time(source, expected):
    shows(source, expected)


@pytest.mark.parametrize(
    "source, words",
    [
        ("{{ 'x' | float }}", "float got 'x'"),
        ("{{ none | int }}", "int got 'None'"),
        ("{{ 'x' | multiply(2) }}", "multiply got 'x'"),
        ("{{ '5' | multiply('2') }}", "multiply got '5'"),
        ("{{ average([]) }}", "average got"),
        ("{{ average(1) }}", "average needs a list"),
        ("{{ max() }}", "max needs at least one"),
        ("{{ clamp('x', 0, 1) }}", "clamp needs numbers"),
        ("{{ remap(1, 2, 2, 0, 1) }}", "range that is not empty"),
        ("{{ 'abc' | union([1]) }}", "union needs a list"),
        ("{{ combine({'a': 1}, [1]) }}", "combine needs mappings"),
        ("{{ merge_response([1]) }}", "merge_response needs"),
        ("{{ merge_response({'a': {'e': [{'entity_id': 1}]}}) }}", "entity_id already"),
        ("{{ version('abc') }}", "is not a version"),
        ("{{ as_function('x') }}", "as_function needs a macro"),
        ("{{ nothing | is_defined }}", "nothing is not defined"),
        ("{{ 'x' | from_json }}", "from_json got"),
        ("{{ strptime('x', '%Y') }}", "strptime got 'x'"),
        ("{{ nothing.x }}", "'nothing' is undefined"),
        ("{{ nothing() }}", "'nothing' is undefined"),
    ],
)
def test_what_cannot_be_answered_is_an_error_in_words(source, words):
    with pytest.raises(TemplateError) as caught:
        render(source)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "source, expected",
    [
        ("{% macro twice(x) %}{{ x * 2 }}{% endmacro %}{{ twice(4) }}", "8"),
        (
            "{% macro m(x, returns) %}{% do returns(x + 1) %}{% endmacro %}{% set f = m | as_function %}{{ f(1) + f(2) }}",
            "5",
        ),
        ("{% set ns = namespace(n=0) %}{% for i in [1, 2, 3] %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", "6"),
        (
            "{% for i in range(9) %}{% if i == 2 %}{% continue %}{% elif i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}",
            "013",
        ),
        ("{% for k, v in {'a': 1}.items() %}{{ loop.index }}{{ k }}{{ v }}{{ loop.last }}{% endfor %}", "1a1True"),
        ("{%- if true -%}   x   {%- endif -%}", "x"),
        ("{% for x in [] %}{{ x }}{% else %}none{% endfor %}", "none"),
        ("{% set x %}a{{ 1 }}{% endset %}{{ x }}", "a1"),
        ("{{ 'a' ~ 1 ~ none }}", "a1None"),
        ("{{ [1, 2][-1] }}{{ 'abc'[1:] }}{{ {'a': {'b': 1}}.a.b }}", "2bc1"),
        ("{{ 7 // 2 }} {{ 7 % 3 }} {{ 2 ** 3 }} {{ -7 | abs }}", "3 1 8 7"),
        ("{{ 3 in [1, 3] }} {{ 'x' not in 'abc' }} {{ 1 < 2 <= 2 }}", "True True True"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("a{# said aside #}b", "ab"),
        ("{{ ['b', 'a'] | sort | first }}{{ [1, 2] | last }}{{ [3, 4] | length }}", "a22"),
        ("{{ [{'d': 1}, {'d': 2}] | selectattr('d', 'gt', 1) | map(attribute='d') | list }}", "[2]"),
        ("{{ [1, 2, 3] | reject('odd') | list }}{{ [1, none] | select('none') | list }}", "[2][None]"),
        ("{{ [{'k': 'a'}, {'k': 'a'}] | groupby('k') | map('first') | list }}", "['a']"),
        ("{{ (1, 2) | list }}{{ 'ab' | list }}", "[1, 2]['a', 'b']"),
    ],
)
def test_the_language_around_them(source, expected):
    assert render(source) == expected


def test_templates_import_from_a_library():
    templates = Templates(library={"tools.jinja": "{% macro double(x) %}{{ x * 2 }}{% endmacro %}"})

    assert templates.compile("{% from 'tools.jinja' import double %}{{ double(4) }}").render() == "8"
    assert templates.compile("{% import 'tools.jinja' as tools %}{{ tools.double(3) }}").render() == "6"
    with pytest.raises(TemplateError, match=r"other\.jinja"):
        templates.compile("{% from 'other.jinja' import double %}{{ double(4) }}").render()


def test_a_limited_template_may_not_look_at_the_home():
    templates = Templates(globals={"states": lambda _: "on"}, filters={"states": lambda _: "on"})
    calls = [
        templates.compile(each) for each in ("{{ states('light.a') }}", "{{ 'light.a' | states }}", "{{ states.a }}")
    ]
    with templates.limited():
        for template in calls:
            with pytest.raises(
                TemplateError, match="'states' cannot be used here: this template is rendered once, when it is read"
            ):
                template.render()
        assert templates.compile("{{ 1 | float }}").render() == "1.0"
    assert calls[0].render() == calls[1].render() == "on"


@pytest.mark.parametrize(
    "source",
    [
        "{% set x = 'ab' * 10000 %}{% for i in range(90000) %}{% set y = x | replace('a', 'c') %}{% endfor %}",
        "{% set x = range(50000) | list %}{% for i in range(90000) %}{% set y = -1 in x %}{% endfor %}",
        "{% set x = range(50000) | list %}{% for i in range(90000) %}{% set y = x == x[1:] %}{% endfor %}",
        "{% set x = range(50000) | list %}{% for i in range(90000) %}{% set y = x | sort %}{% endfor %}",
        "{% set x = range(50000) | list %}{% for i in range(90000) %}{% set y = max(x) %}{% endfor %}",
        "{% set x = 'a' * 8000 %}{% for i in range(90000) %}{% set y = x is search('a*b') %}{% endfor %}",
        "{% set x = [[1] * 60000] * 60000 %}{{ x | sum(start=[]) | length }}",
        "{% set x = [range(90000)] * 60000 %}{{ x | map('list') | list | length }}",
        "{{ range(100001) | list | length }}",
    ],
)
def test_what_would_take_long_ends_in_an_error(source):
    with pytest.raises(TemplateError, match=r"too many steps|at most|too large"):
        render(source)


def test_a_range_of_a_hundred_thousand_is_allowed():
    assert render("{{ range(100000) | list | length }}") == "100000"
