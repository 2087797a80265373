"""Which room of the house may import which: each only those above it, and none goes in a circle."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "nmt"
LOOSE = ("errors", "progress", "files")
"""The files that belong to no room; each may import those before it."""
FLOORS = (
    ("config",),
    ("text",),
    ("runs",),
    ("model",),
    ("data",),
    ("search",),
    ("export",),
    ("translator",),
    ("evaluation",),
    ("bulk", "visualization"),
    ("training", "server", "report"),
    ("cli",),
)
"""From the top of the house down. Rooms on one floor know nothing of each other."""
FORBIDDEN = {
    "runs": {"text"},  # a run knows names of files and not what is in them
    "data": {"model", "runs"},
    "model": {"text", "runs"},  # weights and equations only
    "evaluation": {"training"},
}
"""What a room above may not be used for all the same; see the table of docs/how-it-works.md."""


def rooms() -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        found.setdefault(file.relative_to(PACKAGE).parts[0].removesuffix(".py"), []).append(file)
    return found


def imported(file: Path) -> set[str]:
    """The rooms that a module imports, wherever in it, but for its own and the package."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "nmt":
                names |= {alias.name for alias in node.names}
            names.add(node.module.removeprefix("nmt.") if node.module.startswith("nmt.") else "")
        elif isinstance(node, ast.Import):
            names |= {a.name.removeprefix("nmt.") for a in node.names if a.name.startswith("nmt.")}
    return {name.partition(".")[0] for name in names} & rooms().keys()


def allowed(room: str) -> set[str]:
    """What a room may import."""
    if room in LOOSE:
        return set(LOOSE[: LOOSE.index(room)])
    above: set[str] = set(LOOSE)
    for floor in FLOORS:
        if room in floor:
            return above - FORBIDDEN.get(room, set())
        above |= set(floor)
    raise AssertionError(f"nmt/{room} has no place in the house: give it one in FLOORS")


@pytest.mark.parametrize("room", sorted(rooms().keys() - {"__init__", "__main__"}))
def test_a_room_imports_only_those_above_it(room: str) -> None:
    wrong = [
        f"{file.relative_to(PACKAGE.parent)} imports nmt.{other}: the room `{room}` may import "
        f"only {', '.join(sorted(allowed(room)))}"
        for file in rooms()[room]
        for other in sorted(imported(file) - {room} - allowed(room))
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_lies_loose_but_what_belongs_to_no_room() -> None:
    loose = {file.stem for file in PACKAGE.glob("*.py")}
    assert loose == {"__init__", "__main__", *LOOSE}


def test_modules_classes_and_functions_are_of_one_idea() -> None:
    large = []
    for files in rooms().values():
        for file in files:
            text = file.read_text("utf-8")
            if text.count("\n") > 400:
                large.append(f"{file}: {text.count(chr(10))} lines, at most 400")
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    first = node if isinstance(node, ast.ClassDef) else node.body[0]
                    has_text = isinstance(node.body[0], ast.Expr) and first is node.body[0]
                    start = node.body[0].end_lineno + 1 if has_text else first.lineno
                    lines = (node.end_lineno or 0) - start + 1
                    most = 250 if isinstance(node, ast.ClassDef) else 50
                    if lines > most:
                        large.append(f"{file}:{node.lineno}: {node.name}: {lines} lines, of {most}")
    assert not large, "\n".join(large)
