"""A machine without a network: what is run here, in a network of its own (Linux), has loopback and nothing else.

`unshare --map-root-user --net python -m tests.reliability.alone WORDS ...` brings loopback up and becomes that program.
`--ports 8` leaves so many ports that a program may be given.
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys
from functools import cache
from pathlib import Path

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
FIRST_PORT = 50_000
COMMAND = ("unshare", "--map-root-user", "--net", sys.executable, "-m", "tests.reliability.alone")


@cache
def can_be_alone() -> bool:
    """Whether this machine lets us have a network of our own."""
    try:
        return subprocess.run([*COMMAND, "true"], capture_output=True, timeout=20).returncode == 0
    except OSError:
        return False


def main(words: list[str]) -> None:
    """Bring loopback up, see that there is nothing else, and become another program."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        (flags,) = struct.unpack_from("16xh", fcntl.ioctl(door, SIOCGIFFLAGS, struct.pack("16s16x", b"lo")))
        fcntl.ioctl(door, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
        try:
            door.connect(("192.0.2.1", 9))
        except OSError:
            pass
        else:
            sys.exit("there is a network")
    if words[0] == "--ports":
        last = FIRST_PORT + int(words[1]) - 1
        Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(f"{FIRST_PORT} {last}")
        words = words[2:]
    os.execvp(words[0], words)


if __name__ == "__main__":
    main(sys.argv[1:])
