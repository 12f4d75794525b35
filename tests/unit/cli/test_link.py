"""When the agent does not answer as it should: every case has its own words and exit code."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hub_agent.errors import MirrorFull


@contextmanager
def answering(path, answer: bytes) -> Iterator[None]:
    """Somebody at the socket who answers anything with these bytes, once."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def run() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join(5)
    listener.close()


@pytest.mark.parametrize(
    "words",
    [["status"], ["devices"], ["scenes", "list"], ["automations", "list"], ["issues"], ["sync", "status"], ["pair"]],
)
def test_without_an_agent_every_command_ends_with_three_and_says_how_to_start_it(nexa, home, words) -> None:
    said = nexa(*words)
    assert (said.code, said.out) == (3, "")
    assert str(home / "hub.sock") in said.err
    assert "systemctl start nexa-hub" in said.err


def test_a_socket_that_a_dead_agent_left_is_no_agent(nexa, home) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(home / "hub.sock"))
    assert nexa("status").code == 3


def test_the_socket_may_be_named(nexa, door, home, monkeypatch) -> None:
    monkeypatch.setenv("NEXA_CONFIG", str(home / "other.toml"))
    assert nexa("--socket", str(home / "hub.sock"), "status").code == 0
    monkeypatch.setenv("NEXA_SOCKET", str(home / "hub.sock"))
    assert nexa("status").code == 0


def test_settings_that_cannot_be_read_are_named_when_no_agent_is_found(nexa, home) -> None:
    (home / "hub.toml").write_text("[agent\n")
    said = nexa("status")
    assert said.code in {0, 3}  # an agent may live at the usual place of this machine
    if said.code == 3:
        assert "is not TOML" in said.err


def test_a_socket_that_this_user_may_not_use_is_told(nexa, door, home) -> None:
    nexa("status")  # what is imported late is imported as the user who may read it
    (home / "hub.sock").chmod(0)
    if os.geteuid() == 0:
        os.seteuid(65534)
        try:
            said = nexa("--socket", str(home / "hub.sock"), "status")
        finally:
            os.seteuid(0)
    else:
        said = nexa("status")
    assert said.code == 1
    assert "join the group nexa-hub" in said.err


def test_the_worlds_faults_are_told_in_the_agents_words(nexa, door) -> None:
    door.failing = MirrorFull("The disk is full.")
    said = nexa("status")
    assert (said.code, said.err) == (1, "nexa-hub: The disk is full.\n")


def test_a_fault_of_the_agent_itself_points_to_its_log(nexa, door) -> None:
    door.failing = ZeroDivisionError("secret")
    said = nexa("status")
    assert said.code == 1
    assert "journalctl" in said.err
    assert "secret" not in said.err


@pytest.mark.parametrize(
    "answer, code",
    [
        (b"", 3),
        (b"SSH-2.0-x\r\n", 3),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n<htm>", 1),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{", 3),
        (b"HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\nno", 1),
        (b'HTTP/1.1 404 No\r\ncontent-length: 12\r\n\r\n{"error": 1}', 1),
    ],
)
def test_whoever_else_answers_there_is_told_in_one_line(nexa, home, answer, code) -> None:
    with answering(home / "hub.sock", answer):
        said = nexa("status")
    assert said.code == code
    assert said.err.startswith("nexa-hub: ")
    assert len(said.err.splitlines()) == 1


def test_an_agent_that_does_not_answer_in_time_is_told(nexa, home, monkeypatch) -> None:
    monkeypatch.setattr("hub_agent.cli.link.ANSWER_TIMEOUT_S", 0.05)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(home / "hub.sock"))
        silent.listen()
        said = nexa("status")
    assert said.code == 1
    assert "does not answer within" in said.err
