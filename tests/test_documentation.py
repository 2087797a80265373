"""What the documentation says can be typed can be typed, and what it points to is there."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from nmt.cli import app
from nmt.config import load_recipe

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
RECIPES = sorted((ROOT / "corpora").glob("*/recipe.toml"))


def commands() -> list[tuple[str, str]]:
    """Every ``nmt`` command line of the documentation and the recipes, and where it is."""
    found = []
    for file in [*PAGES, *RECIPES]:
        text = file.read_text("utf-8").replace("\\\n#", " ").replace("\\\n", " ")
        for line in text.splitlines():
            match = re.match(r"(?:# Then:|#|\$)?\s{1,6}(nmt [a-z-].*)", line)
            if match:
                found.append((file.relative_to(ROOT).as_posix(), match[1].split("  #")[0]))
    return found


@pytest.mark.parametrize(("file", "line"), commands())
def test_a_documented_command_is_understood(file: str, line: str) -> None:
    words = shlex.split(re.sub(r"[<>].*", "", line))[1:]
    root = typer.main.get_command(app)
    name, *rest = words
    assert name in root.commands, f"{file}: {line}"  # type: ignore[attr-defined]
    command = root.commands[name]  # type: ignore[attr-defined]
    with root.make_context("nmt", [], resilient_parsing=True) as context:
        command.make_context(name, rest, parent=context)


def test_the_commands_of_the_documentation_are_found() -> None:
    # of the README, the corpora page, and the recipes
    assert len(commands()) >= 8
    assert {"README.md", "docs/corpora.md", "corpora/multi30k/recipe.toml"} <= {
        file for file, _ in commands()
    }


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda file: file.parent.name)
def test_a_shipped_recipe_is_valid_in_both_directions(recipe: Path) -> None:
    config = load_recipe(recipe)
    turned = load_recipe(recipe, [f"corpus.source={config.corpus.target}"])
    assert turned.corpus.target == config.corpus.source
    assert turned.model == config.model


@pytest.mark.parametrize("page", PAGES, ids=lambda file: file.name)
def test_links_between_files_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda file: file.name)
def test_no_figure_is_left_to_be_filled_in(page: Path) -> None:
    assert "@@" not in page.read_text("utf-8")
