"""Settings: every wrong one is named, with the file and what is allowed."""

import tomllib
from pathlib import Path

import pytest

from hub_agent.config import Config, load_config, read_secret, render_default
from hub_agent.errors import ConfigError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def write(tmp_path):
    def write(text: str | bytes) -> Path:
        file = tmp_path / "hub.toml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


def test_without_a_file_every_setting_has_its_default() -> None:
    assert load_config(environ={"NEXA_CONFIG": ""}) == Config()
    assert Config().web.port == 8380


def test_the_file_that_is_installed_is_what_the_defaults_render_to() -> None:
    assert (ROOT / "deploy/nexa-hub.toml").read_text(encoding="utf-8") == render_default()


def test_the_installed_file_changes_nothing(write) -> None:
    assert load_config(write(render_default()), {}) == Config()


def test_every_commented_line_can_be_uncommented(write) -> None:
    lines = [
        line.removeprefix("# ") if " = " in line or line.startswith("# [") else line
        for line in render_default().splitlines()
    ]
    text = "\n".join(lines)
    config = load_config(write(text), {})
    assert config.cloud.url == "https://hub.example.com"
    assert config.web.names == ("hub.example.com",)
    assert config.rest_command["lights_off"].headers == {"accept": "application/json"}
    assert config.shell_command["blink"].command == ("/usr/local/bin/blink", "--times", "{{ times }}")
    assert config.notify["phone"].kind == "ntfy"
    assert config.discovery.addresses == ("esphome://10.0.0.7:6053",)
    changed = (
        "cloud",
        "web",
        "mqtt",
        "discovery",
        "healing",
        "camera",
        "backup",
        "rest_command",
        "shell_command",
        "notify",
    )
    assert config.model_copy(update={name: getattr(Config(), name) for name in changed}) == Config()
    assert tomllib.loads(text).keys() == set(Config.model_fields)


def test_the_file_and_the_environment_override_the_defaults(write) -> None:
    file = write('[web]\nport = 9000\nhost = "127.0.0.1"\n')
    environ = {"NEXA_WEB_PORT": "9001", "NEXA_MQTT_TLS": "true", "NEXA_WEB_NAMES": "a.example, b.example"}
    config = load_config(file, environ)
    assert (config.web.host, config.web.port) == ("127.0.0.1", 9001)
    assert config.mqtt.tls is True
    assert config.web.names == ("a.example", "b.example")


def test_the_environment_may_name_the_file(write) -> None:
    assert load_config(environ={"NEXA_CONFIG": str(write("[web]\nport = 9000\n"))}).web.port == 9000


def test_an_empty_text_means_none(write) -> None:
    file = write('[mqtt]\nusername = ""\npassword_file = ""\n[cloud]\nurl = ""\n')
    assert load_config(file, {"NEXA_CLOUD_CLAIM_CODE": ""}) == Config()


WRONG = [
    ("[web]\nprot = 1\n", r"hub\.toml: unknown setting 'web\.prot'\. Did you mean 'port'\?"),
    ("[clod]\nurl = 1\n", r"unknown setting 'clod'\. Did you mean 'cloud'\?"),
    ("[web]\nzzzzz = 1\n", r"unknown setting 'web\.zzzzz'\. Known here: host, port, names, trusted_proxies, "),
    ("[cloud]\nbandwidth_kbit_s = 0\n", r"'cloud\.bandwidth_kbit_s' .*8.*\(it is 0\)\. What it is: The most .* kbit/s"),
    ("[cloud]\nbandwidth_kbit_s = 1e12\n", r"'cloud\.bandwidth_kbit_s' .*1000000"),
    ('[web]\nport = "many"\n', r"'web\.port' .*integer.*\(it is 'many'\)"),
    ("[web]\nport = 0\n", r"'web\.port' .*greater than or equal to 1"),
    ("[web]\nport = 70000\n", r"'web\.port' .*less than or equal to 65535"),
    ("web = 1\n", r"'web' must be a section, written \[web\]"),
    ('[cloud]\nurl = "ftp://x"\n', r"'cloud\.url' must begin with https://"),
    ('[home]\ntimezone = "Mars/Olympus"\n', r"'home\.timezone' is not an IANA time zone"),
    ('[home]\ntimezone = "../../etc/passwd"\n', r"'home\.timezone' is not an IANA time zone"),
    ("[home]\nlatitude = 91\n", r"'home\.latitude'"),
    ("[home]\nlatitude = nan\n", r"'home\.latitude'"),
    ('[discovery]\naddresses = ["10.0.0.7"]\n', r"'discovery\.addresses\.0' must be of the form DIALECT://HOST"),
    (
        '[discovery]\naddresses = ["wled://10.0.0.7:x"]\n',
        r"'discovery\.addresses\.0' must be of the form DIALECT://HOST",
    ),
    ('[agent]\nlog_level = "loud"\n', r"'agent\.log_level' .*'debug'"),
    ("[mqtt]\nzigbee2mqtt_topics = 3\n", r"'mqtt\.zigbee2mqtt_topics'"),
    ('[rest_command.a]\nurl = "file:///etc/passwd"\n', r"'rest_command\.a\.url' must begin with http://"),
    ('[rest_command.a]\nmethod = "get"\n', r"'rest_command\.a\.url' field required"),
    ('[rest_command."a b"]\nurl = "http://x"\n', r"'rest_command\.a b.*pattern"),
    ('[rest_command.a]\nurl = "http://x"\nverb = "get"\n', r"unknown setting 'rest_command\.a\.verb'.*Known here: url"),
    ('[shell_command.a]\ncommand = "rm -rf /"\n', r"'shell_command\.a\.command' .*tuple"),
    ("[shell_command.a]\ncommand = []\n", r"'shell_command\.a\.command' .*at least 1"),
    ('[shell_command.a]\ncommand = ["{{ x }}"]\n', r"'shell_command\.a\.command' must begin with the full path"),
    ('[shell_command.a]\ncommand = ["ls"]\n', r"'shell_command\.a\.command' must begin with the full path"),
    ('[notify.a]\nkind = "smoke"\nurl = "http://x"\n', r"'notify\.a\.kind' .*'ntfy'"),
    ("[web\n", r"hub\.toml is not TOML: .*line 1.*Mend that line"),
    (b"\xff\xfe\x00", r"hub\.toml cannot be read"),
]


@pytest.mark.parametrize("text, words", WRONG)
def test_what_is_wrong_in_the_file_is_named(write, text, words) -> None:
    with pytest.raises(ConfigError, match=words):
        load_config(write(text), {})


def test_everything_that_is_wrong_is_named_at_once(write) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write('[web]\nport = 0\nprot = 1\n[mqtt]\nport = "x"\n'), {})
    assert len(str(caught.value).splitlines()) == 3


def test_a_wrong_setting_of_the_environment_is_named() -> None:
    with pytest.raises(ConfigError, match=r"the environment: 'web\.port'"):
        load_config(environ={"NEXA_WEB_PORT": "x", "NEXA_CONFIG": ""})


def test_a_secret_that_is_wrong_is_not_shown(write) -> None:
    with pytest.raises(ConfigError, match="it is not shown") as caught:
        load_config(write("[cloud]\nclaim_code = 123456\n"), {})
    assert "123456" not in str(caught.value)


def test_a_file_that_is_missing_is_named(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"no settings file .*gone\.toml"):
        load_config(tmp_path / "gone.toml", {})


def test_a_folder_is_no_settings_file(tmp_path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path, {})


def test_a_secret_is_read_without_its_line_break(tmp_path) -> None:
    (tmp_path / "secret").write_text("hush\n")
    assert read_secret(tmp_path / "secret") == "hush"


def test_a_secrets_file_that_is_missing_is_named(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"gone cannot be read.*Put the secret there"):
        read_secret(tmp_path / "gone")
