"""What is drafted for nexa-hub.toml is what the hub reads."""

from pathlib import Path

from hub_agent.config import load_config
from tests.unit.importing.conftest import Read

CONFIGURATION = """
    rest_command:
      all_of_it:
        url: "http://192.168.1.20/{{ room }}"
        method: PATCH
        headers: {X-Key: "a \\"quoted\\" one", accept: text/html}
        payload: '{"on": {{ on }}, "note": "ü \\\\ "}'
        content_type: application/json
        username: me
        password: hush
        timeout: 400
        verify_ssl: false
      a_template:
        url: "{{ base }}/off"
    shell_command:
      plain: /usr/local/bin/blink --times {{ times | default(3) }} "two words"
      of_a_shell: "/bin/echo {{ text }} >> /tmp/x"
      by_itself: ls -l
    automation:
      - triggers: [{trigger: event, event_type: go}]
        actions:
          - action: rest_command.all_of_it
          - action: rest_command.a_template
          - action: shell_command.plain
          - action: shell_command.of_a_shell
          - action: shell_command.by_itself
"""


def test_a_draft_can_be_pasted_and_what_is_left_to_do_stands_in_comments(read: Read, tmp_path: Path) -> None:
    draft = read({"configuration.yaml": CONFIGURATION}).commands
    assert "hush" not in draft
    for name in ("of_a_shell", "by_itself"):  # they have no command yet: a person is to name it
        before, _, after = draft.partition(f"[shell_command.{name}]")
        draft = (
            before
            + "\n".join(f"# {line}" for line in after.splitlines()[:3])
            + "\n"
            + "\n".join(after.splitlines()[3:])
        )
    file = tmp_path / "nexa-hub.toml"
    file.write_text(draft, encoding="utf-8")
    config = load_config(file, {})

    rest = config.rest_command["all_of_it"]
    assert (rest.url, rest.method, rest.timeout_s) == ("http://192.168.1.20/{{ room }}", "patch", 400)
    assert (rest.username, rest.verify_tls) == ("me", False)
    assert rest.headers == {"X-Key": 'a "quoted" one', "accept": "text/html"}
    assert rest.payload == '{"on": {{ on }}, "note": "ü \\\\ "}'
    assert config.rest_command["a_template"].url == "{{ base }}/off"
    assert config.shell_command["plain"].command == (
        "/usr/local/bin/blink",
        "--times",
        "{{ times | default(3) }}",
        "two words",
    )
