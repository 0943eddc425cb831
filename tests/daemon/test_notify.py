"""Signs of life: what a service manager hears from a real daemon, and hears no more when it hangs."""

import os
import signal
import socket
import sys

import pytest

from daemon.notify import Notifier
from daemon.timers import Timers

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="sockets of systemd")


class Manager:
    """The other side of sd_notify."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def hears(self, seconds):
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(4096).decode().split("\n")
        except TimeoutError:
            return None


@pytest.fixture
def manager(tmp_path):
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.socket.close()


@pytest.mark.skipif(sys.platform != "linux", reason="systemd")
def test_a_daemon_says_ready_lives_hangs_and_ends(house, manager, tmp_path):
    house.environment |= {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "900000"}
    house.start()
    first = manager.hears(20)
    assert "READY=1" in first and f"MAINPID={house.process.pid}" in first
    assert [manager.hears(1.5) for _ in range(4)] == [["WATCHDOG=1"]] * 4
    house.process.send_signal(signal.SIGSTOP)
    while manager.hears(0.05):
        pass
    assert manager.hears(1.0) is None
    house.process.send_signal(signal.SIGCONT)
    assert manager.hears(2.0) == ["WATCHDOG=1"]
    worker = house.desk().until_ready().worker_pid
    with open(f"/proc/{worker}/environ", "rb") as file:
        assert b"NOTIFY_SOCKET" not in file.read()
    house.process.terminate()
    heard = []
    while (words := manager.hears(1.0)) and "STOPPING=1" not in words:
        heard.append(words)
    assert words and house.process.wait(10) == 0
    assert all(each == ["WATCHDOG=1"] for each in heard)


def test_without_a_manager_nothing_is_sent_and_nothing_fails(tmp_path):
    for environment in ({}, {"NOTIFY_SOCKET": str(tmp_path / "nobody")}, {"NOTIFY_SOCKET": "vsock:2:1"}):
        timers = Timers()
        notifier = Notifier(environment | {"WATCHDOG_USEC": "0"})
        notifier.ready(timers)
        notifier.stopping()
        assert timers.wait_s() is None


def test_the_abstract_address_of_linux():
    if sys.platform != "linux":
        pytest.skip("abstract sockets")
    address = f"@harmonicflow-test-{os.getpid()}"
    manager = Manager(address)
    Notifier({"NOTIFY_SOCKET": address}).stopping()
    assert "STOPPING=1" in manager.hears(2)
    manager.socket.close()


def test_a_watchdog_that_is_meant_for_another_process(manager, tmp_path):
    names = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000000"}
    assert Notifier(names | {"WATCHDOG_PID": "1"}).interval_s == 0
    environment = names | {"WATCHDOG_PID": str(os.getpid()), "PATH": "x"}
    assert Notifier(environment).interval_s == 1.0
    assert environment == {"PATH": "x"}  # what is started from here must not speak for us
