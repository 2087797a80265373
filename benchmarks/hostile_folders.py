"""Model folders from a stranger: broken, gigantic, or made to write and read outside themselves."""

import hashlib
import io
import json
import os
import pickle
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from hostile_processes import Ended, Verdict, nmt

SECRET = b"what the user keeps to himself\n"
MOST_MORE_CPU_S = 1.0
"""CPU time beyond that of the same command with a good model."""
MOST_MORE_MB = 200
TEXT = "Le chat dort dans la maison."
GRAPHS = ("encoder", "step")
ARRAYS = ("source_embeddings", "translations", "common", "remainder")
TERABYTE = 10**12

Break = Callable[[Path], object]
"""Breaks the folder of a model."""


class Ground:
    """Where the trials take place: a model, a user's files beside it, and a folder to work in.

    Args:
        folder: An empty one.
        model: A good model; it stays as it is.
    """

    def __init__(self, folder: Path, model: Path) -> None:
        self.good = model
        self.model = folder / "model"
        self.home = folder / "home"
        self.desk = folder / "desk"
        self.corpus = folder / "corpus"
        for each in (self.home, self.desk, self.corpus):
            each.mkdir()
        (self.home / "secret").write_bytes(SECRET)
        for language, text in (("fr", TEXT), ("en", "The cat sleeps in the house.")):
            (self.corpus / f"test.{language}").write_text(f"{text}\n" * 3)

    def commands(self) -> dict[str, list[str | Path]]:
        """What is tried with every model."""
        corpus = [f"corpus.path={self.corpus}", "corpus.dev=test", "corpus.test=test"]
        tested: list[str | Path] = [word for setting in corpus for word in ("--set", setting)]
        files: list[str | Path] = [
            "--source",
            self.corpus / "test.fr",
            "--reference",
            self.corpus / "test.en",
        ]
        return {
            "translate": ["translate", "--model", self.model, TEXT],
            "eval": ["eval", self.model, *files],
            "eval --json": ["eval", self.model, *tested, "--json"],
            "report": ["report", self.model, *tested],
            "export": ["export", self.model, "--to", self.desk / "exported"],
            "explain": ["explain", "--model", self.model, TEXT],
        }

    def renewed(self) -> None:
        """Put a good model in the place of the last one, and clear the desk."""
        for folder in (self.model, self.desk):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.good, self.model)
        self.desk.mkdir()

    def harm(self) -> str:
        """What a command did to what is not the model's; empty if nothing."""
        if [path.name for path in self.home.iterdir()] != ["secret"]:
            return "a file was written among the user's"
        if (self.home / "secret").read_bytes() != SECRET:
            return "a file of the user was overwritten"
        for path in self.desk.rglob("*"):
            if path.is_symlink() or (path.is_file() and SECRET in path.read_bytes()):
                return f"{path.name} tells what the user keeps to himself"
        return ""


def trials(folder: Path, model: Path, is_quick: bool) -> Iterator[Verdict]:
    """Every break with every command (one of them each if quick), then flips and cuts."""
    ground = Ground(folder, model)
    normal = {name: _ended(ground, command) for name, command in ground.commands().items()}
    names = list(normal)
    broken = breaks(ground.home)
    for number, (name, change) in enumerate(broken.items()):
        for command in [names[number % len(names)]] if is_quick else names:
            yield _verdict(ground, f"{name}: {command}", command, change, normal[command])
    draw = random.Random(19)
    for number in range(20 if is_quick else 90):
        for is_signed in (False, True):
            change = flip(draw, is_signed)
            yield _verdict(
                ground, f"flip {number}: translate", "translate", change, normal["translate"]
            )


def _ended(ground: Ground, command: list[str | Path], change: Break = lambda folder: None) -> Ended:
    ground.renewed()
    change(ground.model)
    return nmt(command, ground.desk)


def _verdict(ground: Ground, name: str, command: str, change: Break, normal: Ended) -> Verdict:
    found = _ended(ground, ground.commands()[command], change)
    more_s, more_mb = found.cpu_s - normal.cpu_s, found.memory_mb - normal.memory_mb
    problem = found.problem() or ground.harm()
    if not problem and SECRET.strip() in found.out + found.err:
        problem = "it told what the user keeps to himself"
    if not problem and b"\x1b" in found.out:
        problem = "escape sequences on standard output"
    if not problem and (more_s > MOST_MORE_CPU_S or more_mb > MOST_MORE_MB):
        problem = f"{more_s:.1f} s of CPU time and {more_mb:.0f} MB more than a good model"
    return Verdict(name, problem, found.code == 2)


def flip(draw: random.Random, is_signed: bool) -> Break:
    """A change of one bit of a file, or its end cut off.

    Args:
        draw: Chooses the file and the place.
        is_signed: Whether the manifest agrees with it, as a stranger would see to.
    """

    def change(folder: Path) -> None:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        if is_signed:
            files = [path for path in files if path.suffix in (".onnx", ".npy", ".json", ".model")]
        file = draw.choice(files)
        content = bytearray(file.read_bytes())
        if draw.random() < 0.2:
            del content[draw.randrange(len(content)) :]
        else:
            # the beginning of a file says what the rest means
            content[draw.randrange(min(draw.choice((200, 10**9)), len(content)))] ^= 1 << (
                draw.randrange(8)
            )
        file.write_bytes(content)
        if is_signed:
            _sign(folder)

    return change


def breaks(home: Path) -> dict[str, Break]:
    """All there are, by name.

    Args:
        home: A folder of the user's, with a file ``secret``.
    """
    return {
        **_links(home),
        **_sizes(),
        **{f"config {name}": _config(text) for name, text in SETTINGS.items()},
        **{f"{file} {name}": _content(file, text) for file, name, text in _json_files()},
        **{
            f"{array} {name}": _content(f"export/{array}.npy", content)
            for name, content in _no_arrays(home).items()
            for array in ARRAYS
        },
        **{
            f"{graph} {name}": _node(graph, node)
            for name, node in _nodes().items()
            for graph in GRAPHS
        },
        **{f"{graph} expands": _replaced_graph(graph) for graph in GRAPHS},
    }


def _links(home: Path) -> dict[str, Break]:
    names = ".hypotheses.test.txt.new .report.html.new report.html README.md config.toml".split()
    names += "joint.model shipped.txt lock .lock metrics.jsonl hypotheses.test.txt".split()
    names += "export/manifest.json export/encoder.onnx export/common.npy .export.new".split()
    targets: dict[str, str | Path] = {
        "a secret": home / "secret",
        "a new file": home / "new",
        "/dev/zero": "/dev/zero",
    }
    found = {
        f"{name} links to {what}": _link(name, target)
        for name in names
        for what, target in targets.items()
    }
    for name in ("export", ".export.new", ".export.old", "last"):
        found[f"{name} links to a folder"] = _link(name, home)
    for name in ("config.toml", "README.md", "joint.model", "export/settings.json"):
        found[f"{name} is a pipe"] = _pipe(name)
        found[f"{name} is a folder"] = _folder(name)
    return found


def _link(name: str, target: str | Path) -> Break:
    def change(folder: Path) -> None:
        _removed(folder / name).symlink_to(target)

    return change


def _pipe(name: str) -> Break:
    return lambda folder: os.mkfifo(_removed(folder / name))


def _folder(name: str) -> Break:
    return lambda folder: _removed(folder / name).mkdir()


def _removed(path: Path) -> Path:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    return path


def _sizes() -> dict[str, Break]:
    names = "config.toml README.md joint.model shipped.txt metrics.jsonl report.html".split()
    names += (
        "hypotheses.test.txt export/manifest.json export/settings.json export/step.onnx".split()
    )
    names += [f"export/{array}.npy" for array in ARRAYS]
    found: dict[str, Break] = {f"{name} of a terabyte": _sparse(name) for name in names}
    found["config.toml of 200 MB"] = _content("config.toml", b"# much.\n", 25_000_000)
    found["README.md of 200 MB"] = _content("README.md", b"x", 200_000_000)
    return found


def _sparse(name: str) -> Break:
    def change(folder: Path) -> None:
        with (folder / name).open("ab") as file:
            file.truncate(TERABYTE)
        manifest = folder / "export" / "manifest.json"
        if name.startswith("export/") and "manifest" not in name:
            sizes = json.loads(manifest.read_bytes())
            sizes[Path(name).name][0] = TERABYTE  # as its writer would have seen to
            manifest.write_text(json.dumps(sizes))

    return change


SETTINGS = {
    "1e12 subwords": "tokenizer.vocabulary_size = 1000000000000",
    "1e6 layers": "model.encoder_layers = 1000000",
    "a size of 1e9": "model.hidden_size = 1000000000",
    "a beam of 1e9": "search.beam = 1000000000",
    "hypotheses of 1e12": "search.max_tokens = 1000000000000\nsearch.max_length_extra = 9999999999",
    "5,000 digits": "seed = " + "9" * 5_000,
    "5,000 digits of a float": "search.length_penalty = 1" + "0" * 5_000 + ".0",
    "not a number": "search.length_penalty = nan\nsearch.max_length_factor = inf",
    "deep arrays": "seed = " + "[" * 100_000,
    "deep tables": "seed = " + "{a=" * 100_000,
    "a deep key": "a" + ".a" * 100_000 + " = 1",
    "many keys": "\n".join(f"corpus.k{number} = 1" for number in range(100_000)),
    "a long name": 'corpus.source = "' + "x" * 1_000_000 + '"',
    "escapes": 'corpus.source = "\\u001b]0;owned\\u0007\\u001b[31m"',
    "escapes in a key": '"\\u001b[2J" = 1',
    "a path": 'corpus.source = "../../home/secret"\ncorpus.test = "../home/secret"',
    "a surrogate": 'corpus.source = "\\ud800"',
    "a wrong type": 'search.beam = [1, 2]\nmodel = "x"',
    "no TOML": "= = =",
}
"""Lines of config.toml, which take the place of those for the same keys."""


def _config(lines: str) -> Break:
    def change(folder: Path) -> None:
        file = folder / "config.toml"
        keys = {line.partition(" = ")[0] for line in lines.split("\n")}
        kept, section = [], ""
        for line in file.read_text().split("\n"):
            section = f"{line[1:-1]}." if line.startswith("[") else section
            if section + line.partition(" = ")[0] not in keys:
                kept.append(line)
        # before the first section, where a dotted key may stand only if its section does not
        sections = {key.partition(".")[0] for key in keys if "." in key}
        text = "\n".join(kept)
        for line in lines.split("\n"):
            name, _, rest = line.partition(".")
            if name in sections and f"[{name}]\n" in text:
                text = text.replace(f"[{name}]\n", f"[{name}]\n{rest}\n", 1)
            else:
                text = f"{line}\n{text}"
        file.write_text(text)

    return change


def _content(name: str, content: bytes, times: int = 1) -> Break:
    def change(folder: Path) -> None:
        (folder / name).write_bytes(content * times)
        _sign(folder, but=name)

    return change


def _json_files() -> Iterator[tuple[str, str, bytes]]:
    contents = {
        "deep": b'{"a": ' + b"[" * 200_000,
        "of many digits": b'{"format": ' + b"9" * 5_000 + b"}",
        "a list": b"[1, 2, 3]",
        "not a number": b'{"format": NaN, "settings.json": [NaN, Infinity]}',
        "no text": b"\xff\xfe\x00",
        "empty": b"",
        "another's names": b'{"../../home/secret": [1, "x"], "/etc/passwd": [2, "y"]}',
    }
    for file in ("export/manifest.json", "export/settings.json", "joint.model", "metrics.jsonl"):
        for name, content in contents.items():
            yield file, name, content


def _sign(folder: Path, but: str = "") -> None:
    """Make the manifest agree with the files again."""
    manifest = folder / "export" / "manifest.json"
    if str(manifest).endswith(but) and but:
        return
    try:
        names = list(json.loads(manifest.read_bytes()))
    except (ValueError, RecursionError):
        return
    contents = {name: (manifest.parent / name).read_bytes() for name in names}
    found = {
        name: [len(content), hashlib.sha256(content).hexdigest()]
        for name, content in contents.items()
    }
    manifest.write_text(json.dumps(found))


class _Thief:
    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return os.mkdir, (str(self.file),)


def _no_arrays(home: Path) -> dict[str, bytes]:
    archive, objects = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("source.npy", bytes(100_000_000))
    np.lib.format.write_array_header_1_0(
        objects, {"descr": "|O", "fortran_order": False, "shape": (1,)}
    )
    objects.write(pickle.dumps(_Thief(home / "stolen")))
    return {
        "an archive": archive.getvalue(),
        "of objects": objects.getvalue(),
        "of a terabyte": _header("(1000000, 1000000)"),
        "of a negative length": _header("(-1, 4)"),
        "of a long header": b"\x93NUMPY\x02\x00" + (10**6).to_bytes(4, "little") + b"(" * 10**6,
        "deep": _header("(" * 90 + ")" * 90),
        "of nothing": _saved(np.zeros((0, 0), np.float32)),
        "of numbers that are none": _saved(np.full((6000, 256), np.nan, np.float32)),
        "of one number": _saved(np.float64(3)),
        "cut": _header("(6000, 256)"),
    }


def _header(shape: str) -> bytes:
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(247) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def _saved(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _field(number: int, content: bytes | str | int) -> bytes:
    """A field of a protocol buffer: a number, or what has a length."""
    if isinstance(content, int):
        return _varint(number << 3) + _varint(content)
    content = content.encode() if isinstance(content, str) else content
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def _nodes() -> dict[str, bytes]:
    """Fields of a graph that nmt does not write: operators (1) and constants (5)."""
    body = _field(5, _field(1, "body") + _field(6, _field(2, "body")) + _field(20, 5))
    huge = _field(1, 10**6) * 2 + _field(2, 1) + _field(8, "huge")
    outside = _field(13, _field(1, "location") + _field(2, "../../home/secret")) + _field(14, 1)
    return {
        "loops": _field(1, _field(1, "a") + _field(2, "b") + _field(4, "Loop") + body),
        "branches": _field(1, _field(1, "a") + _field(2, "b") + _field(4, "If") + body),
        "has a foreign operator": _field(1, _field(4, "Run") + _field(7, "com.example")),
        "has an operator of a constant": _field(1, _field(4, "ConstantOfShape")),
        "has a gigantic constant": _field(5, huge),
        "has a constant outside": _field(5, huge + outside),
        "has 100,000 operators": _field(1, _field(4, "Neg")) * 100_000,
        "is deep": _field(1, _field(4, "Scan") + b"".join([body] * 1000)),
    }


def _node(graph: str, node: bytes) -> Break:
    def change(folder: Path) -> None:
        file = folder / "export" / f"{graph}.onnx"
        content = file.read_bytes()
        fields = dict(_fields(content))
        inner = fields[7] + node
        file.write_bytes(
            b"".join(
                _field(number, inner if number == 7 else value)
                for number, value in _fields(content)
            )
        )
        _sign(folder)

    return change


def _replaced_graph(graph: str) -> Break:
    """A graph of operators that nmt does write, which makes 4 TB of one number."""
    shape = _field(1, 2) + _field(2, 7) + _field(8, "shape")
    shape += _field(9, (2**20).to_bytes(8, "little") * 2)
    one = _field(2, 1) + _field(8, "one") + _field(9, b"\0\0\x80\x3f")

    def change(folder: Path) -> None:
        file = folder / "export" / f"{graph}.onnx"
        content = file.read_bytes()
        inner = next(value for number, value in _fields(content) if number == 7)
        ends = [(number, value) for number, value in _fields(inner) if number in (2, 11, 12)]
        names = [dict(_fields(value))[1] for number, value in ends if number == 12]
        made = b"".join(
            _field(1, _field(1, "one") + _field(1, "shape") + _field(2, name) + _field(4, "Expand"))
            for name in names
        )
        made += _field(5, shape) + _field(5, one) + b"".join(_field(*end) for end in ends)
        file.write_bytes(
            b"".join(
                _field(number, made if number == 7 else value) for number, value in _fields(content)
            )
        )
        _sign(folder)

    return change


def _fields(content: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message."""
    at = 0

    def varint() -> int:
        nonlocal at
        number = shift = 0
        while True:
            byte = content[at]
            number |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:
                return number

    while at < len(content):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            length = varint()
            yield key >> 3, content[at : at + length]
            at += length
