"""The properties a daemon is trusted for: name, sentence, pass mark. docs/reliability.md lists them."""

from typing import Final, NamedTuple


class Property(NamedTuple):
    """What must hold, and when it counts as held."""

    sentence: str
    mark: str


PROPERTIES: Final[dict[str, Property]] = {
    "R1": Property("no completed take is lost", "kill -9 at random moments: 0 lost, 0 corrupt, 0 half files visible"),
    "R2": Property("accepted jobs survive", "the same kills: every accepted job is done, queued, failed or cancelled"),
    "R3": Property("a repeated request is harmless", "sent 1 to 5 times with one id: one take, the same reply"),
    "R4": Property("a worker's death is contained", "the daemon stays, one retry, then a reason; next job within 10 s"),
    "R5": Property("control is never behind work", "status p99 < 50 ms, cancel < 500 ms, nothing after cancelled"),
    "R6": Property("the queue is bounded", "one typed answer each, 0 disconnects, memory flat"),
    "R7": Property("a dead peer is noticed", "said within 4 s, recovered within 2 s"),
    "R8": Property("a restart is noticed", "found again by the connection file; running jobs shown"),
    "R9": Property("a late or slow subscriber harms nobody", "right after one snapshot; daemon's memory < +5 MB"),
    "R10": Property("there is one daemon a home", "a second is refused with the first's pid; a dead one's file goes"),
    "R11": Property("disk full, read-only or folder removed", "the job fails with `disk`, nothing half-written"),
    "R12": Property("GPU missing or out of memory", "falls back or refuses in words"),
    "R13": Property("models load and unload", "memory within 5 %; a broken bundle leaves the old model serving"),
    "R14": Property("it runs for days", "resident memory < 1 % an hour, descriptors constant, 0 unexplained failures"),
    "R15": Property("clocks change, machines sleep", "no expiry storm"),
    "R16": Property("the same seed gives the same bytes", "twice and after a restart, on the CPU"),
    "S1": Property("malformed OSC", "answers < 100 ms throughout; 0 uncaught exceptions"),
    "S2": Property("malformed ZeroMQ messages and connections", "answers < 100 ms throughout; 0 uncaught exceptions"),
    "S3": Property("outsiders", "wrong key, no key, replay, other machines: refused, counted; the file is the owner's"),
    "S4": Property("eavesdroppers", "0 bytes of payload without a key while CURVE is on"),
    "S5": Property("names and paths in messages", "0 reads or writes outside the home"),
    "S7": Property("hostile bundles", "refused or killed within 30 s; daemon up"),
    "S8": Property("hostile audio and MIDI", "refused in words, memory < +200 MB, < 1 s each"),
    "S9": Property("no pickle, no eval, no shell", "0 uses in the syntax trees of the product"),
    "S10": Property("it works offline", "everything but downloads, without a network"),
    "T1": Property("throughput under load", "4 clients, 200 short jobs: 0 failures; nobody waits > 2 times the mean"),
    "T2": Property("sound is handed over at once", "16.9 MB over loopback: median < 15 ms"),
    "E1": Property("every error is a sentence with a next step", "each code is raised by at least one test"),
    "E2": Property("ports taken, odd clocks, odd machines", "said in words, or of no effect"),
}
