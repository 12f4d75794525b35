import socket

from hub_agent.adapters.systemd import SystemdNotifier

MORE_THAN_WAIT_UNREAD = 100


def test_a_systemd_that_does_not_read_does_not_hold_up_the_home(tmp_path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        notifier = SystemdNotifier({"NOTIFY_SOCKET": heard.getsockname()})
        for _ in range(MORE_THAN_WAIT_UNREAD):
            notifier.alive()
        assert heard.recv(100) == b"WATCHDOG=1"
