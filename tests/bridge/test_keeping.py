"""`harmonicflow takes --star` and `--prune`, from the command line to the folders."""

import json
from pathlib import Path
from typing import Any

import pytest

TEMPO = ("--tempo", "240", "--bars", "1", "--steps", "1")


def rows(ran: Any) -> list[dict[str, Any]]:
    assert ran.code == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


def test_star_and_prune(fresh_cli: Any) -> None:
    first = rows(fresh_cli("generate", *TEMPO, "--options", "3", "--json"))
    names = [take["take"] for take in first]
    ran = fresh_cli("takes", "--star", names[0])
    assert ran.code == 0 and ran.out == f"{names[0]} is starred: it is never pruned\n"
    assert rows(fresh_cli("takes", names[0], "--json"))[0]["starred"]
    assert f"{names[0]} *" in fresh_cli("takes").out and f"{names[1]} *" not in fresh_cli("takes").out

    dry = fresh_cli("takes", "--prune", "--older-than", "0h", "--dry-run")
    assert dry.code == 0 and names[1] in dry.out and names[0] not in dry.out
    assert "2 takes would be removed" in dry.err and "1 more would have gone" in dry.err
    assert all(Path(take["folder"]).is_dir() for take in first)
    assert "0 takes removed" in fresh_cli("takes", "--prune", "--older-than", "1h", "--larger-than", "1T").err

    pruned = fresh_cli("takes", "--prune", "--larger-than", "1k", "--json")
    assert [take["take"] for take in rows(pruned)] == names[1:] and "2 takes removed" in pruned.err
    assert [Path(take["folder"]).is_dir() for take in first] == [True, False, False]
    assert [take["take"] for take in rows(fresh_cli("takes", "--json"))] == names[:1]

    ran = fresh_cli("takes", "last", "--unstar")
    assert ran.code == 0 and "not starred any more" in ran.out
    assert "1 take removed" in fresh_cli("takes", "--prune", "--older-than", "0d").err
    assert rows(fresh_cli("takes", "--json")) == []


@pytest.mark.parametrize(
    "words, told",
    [
        ("takes --star", "--star needs a TAKE"),
        ("takes --prune", "--older-than"),
        ("takes last --prune --older-than 30d", "no TAKE"),
        ("takes --older-than 30d", "go with --prune"),
        ("takes --dry-run", "go with --prune"),
        ("takes last --star --unstar", "only one"),
        ("takes --prune --older-than 3months", "write hours, days or weeks"),
        ("takes --prune --larger-than 10", "write it like 500M"),
    ],
)
def test_what_does_not_go_together(run_here: Any, words: str, told: str) -> None:
    ran = run_here(*words.split())
    assert ran.code == 2 and told in ran.err and "Traceback" not in ran.err
