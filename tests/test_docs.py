"""What the documents say is what the code has."""

import re
import tomllib
from pathlib import Path

import pytest

import harmonicflow
from bridge.cli import COMMANDS
from tests import daemon_page, protocol_page

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_protocol_page_is_written_from_the_tables() -> None:
    # After a change of messages, errors or OSC addresses: make docs
    assert protocol_page.PAGE.read_text(encoding="utf-8") == protocol_page.page()


def test_the_daemons_page_is_written_from_the_tables() -> None:
    # After a change of settings or metrics: make docs
    assert daemon_page.PAGE.read_text(encoding="utf-8") == daemon_page.page()


def test_the_readme_lists_every_command() -> None:
    listed = set(re.findall(r"^\| `harmonicflow ([a-z-]+)", README, re.MULTILINE))
    assert listed == set(PROJECT["project"]["entry-points"]["harmonicflow.commands"])


def test_entry_points_and_the_bare_clones_table_agree() -> None:
    points = PROJECT["project"]["entry-points"]["harmonicflow.commands"]
    assert points == {
        name: f"harmonicflow.{row.target.removeprefix('harmonicflow.')}" for name, row in COMMANDS.items()
    }
    for row in COMMANDS.values():
        module = row.target.partition(":")[0]
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), f"{row.target} has no file"


def test_every_link_in_the_documents_leads_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/*.md")):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_file_tree_in_the_readme_exists() -> None:
    tree = re.search(r"```text\n(harmonicflow/.*?)```", README, re.DOTALL)
    assert tree is not None
    for line in tree[1].splitlines():
        assert (ROOT / line.split()[0]).exists(), line


def test_the_changelog_knows_this_version() -> None:
    assert f"## {harmonicflow.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("target", ["make demo", "make test"])
def test_commands_of_the_readme_are_in_the_makefile(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert target in README and re.search(rf"^{target.split()[1]}:", makefile, re.MULTILINE)


def test_ci_runs_the_readmes_test_command() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
