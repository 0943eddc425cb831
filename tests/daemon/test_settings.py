"""The settings that a daemon was started with hold; wrong ones keep it from starting, in words."""

from harmonicflow.core.messages import Accepted, Failed


def test_the_queue_is_as_long_as_it_is_set(house, request_of):
    house.environment["HARMONICFLOW_QUEUE_LIMIT"] = "2"
    house.start()
    desk = house.desk()
    for _ in range(8):
        desk.send(request_of(bars=8, steps=8))
    answers = []
    while sum(isinstance(answer, Accepted | Failed) for answer in answers) < 8:
        answers.append(desk.reply())
    refused = [answer.error for answer in answers if isinstance(answer, Failed)]
    assert {error.code for error in refused} == {"busy"} and refused[0].message.startswith("2 jobs")
    assert 2 <= sum(isinstance(answer, Accepted) for answer in answers) <= 4


def test_a_wrong_setting_keeps_the_daemon_from_starting(house):
    house.home.mkdir(mode=0o700)
    (house.home / "settings.toml").write_text("queue_limit = 0\n")
    assert house.spawn().wait(20) == 2
    assert house.output().strip() == (
        f"the setting queue_limit cannot be 0 ({house.home / 'settings.toml'}). "
        "It is a whole number from 1 to 10000 (jobs); without it, 32 holds."
    )
