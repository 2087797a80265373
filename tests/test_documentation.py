"""What the documentation says can be typed can be typed, and what it points to is there."""

import pydoc
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

from nmt.cli import app
from nmt.config import load_recipe

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS]
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


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the documentation site make them."""
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda file: file.name)
def test_links_lead_to_a_file_and_a_heading_that_exist(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)", page.read_text("utf-8")):
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(file), f"{page.name}: {target}"


@pytest.mark.parametrize("page", DOCS, ids=lambda file: file.name)
def test_links_of_the_site_stay_within_it(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text("utf-8")):
        assert (page.parent / target).resolve().is_relative_to(ROOT / "docs"), target


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    site = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]
    named = [page for section in site["nav"] for pages in section.values() for page in pages]
    assert sorted(named) == [page.relative_to(ROOT / "docs").as_posix() for page in DOCS]


@pytest.mark.parametrize("page", PAGES, ids=lambda file: file.name)
def test_files_of_the_project_that_are_named_exist(page: Path) -> None:
    path = r"(?<![\w/.-])(?:nmt|tests|benchmarks|corpora|docs)/[\w./-]*\w"
    for name in re.findall(path, page.read_text("utf-8")):
        assert "NAME" in name or (ROOT / name).exists(), f"{page.name}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda file: file.name)
def test_modules_that_are_named_exist(page: Path) -> None:
    for name in re.findall(
        r"(?:^::: |`|^from )(nmt(?:\.\w+)+)", page.read_text("utf-8"), re.MULTILINE
    ):
        assert pydoc.locate(name), f"{page.name}: {name}"


def test_pages_that_the_code_refers_to_exist() -> None:
    for file in [*(ROOT / "nmt").rglob("*.py"), *(ROOT / "benchmarks").glob("*.*")]:
        for name in re.findall(r"docs/(?:[a-z-]+\.md|adr/\d+)", file.read_text("utf-8")):
            assert list(ROOT.glob(f"{name}*")), f"{file.relative_to(ROOT)}: {name}"


def test_a_newcomer_finishes_the_readme() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 160


@pytest.mark.parametrize("page", PAGES, ids=lambda file: file.name)
def test_no_figure_is_left_to_be_filled_in(page: Path) -> None:
    assert "@@" not in page.read_text("utf-8")
