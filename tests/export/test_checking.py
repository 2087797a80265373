"""A graph from a stranger is no more than nmt itself writes; and a folder leads nowhere else."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from nmt.config import AttentionName, CellName, ModelConfig
from nmt.errors import NmtError, RunError, SearchError
from nmt.export.checking import LARGEST_INTEGER, MOST_NODES, check_graph
from nmt.export.folder import load_stepper
from nmt.export.graph import MICROSOFT
from nmt.export.onnx_stepper import _computed, _session
from nmt.files import read_limited, refuse_links_out, write_atomically
from tests.export.models import SIZES, exported, random_model
from tests.export.test_folder import BOTH, folder, rewrite  # noqa: F401

Change = Callable[[onnx.ModelProto], None]


def check(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "graph.onnx"
    file.write_bytes(content)
    check_graph(file)


def changed(change: Change) -> bytes:
    model = onnx.load_from_string(exported(random_model(ModelConfig(**SIZES)), "int8").encoder)
    change(model)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("precision", ["int8", "fp32"])
@pytest.mark.parametrize("cell", get_args(CellName))
def test_the_graphs_of_every_cell_pass(cell: CellName, precision: str, tmp_path: Path) -> None:
    made = exported(random_model(ModelConfig(**SIZES, cell=cell, layer_norm=True)), precision)
    check(tmp_path, made.encoder)
    check(tmp_path, made.step)


@pytest.mark.parametrize("precision", ["int8", "fp32"])
@pytest.mark.parametrize("attention", get_args(AttentionName))
@pytest.mark.parametrize("feeding", [False, True])
def test_the_graphs_of_every_attention_pass(
    attention: AttentionName, precision: str, feeding: bool, tmp_path: Path
) -> None:
    settings = {"attention": attention, "input_feeding": feeding}
    if attention == "none":
        settings = {"attention": attention, "context_every_step": feeding}
    config = ModelConfig(**SIZES, **settings, attention_query="both")  # type: ignore[arg-type]
    made = exported(random_model(config), precision)
    check(tmp_path, made.encoder)
    check(tmp_path, made.step)


def loop(model: onnx.ModelProto) -> None:
    body = helper.make_graph([], "body", [], [])
    model.graph.node.append(helper.make_node("Loop", ["a", "b"], ["c"], body=body))


def nested_scan(model: onnx.ModelProto) -> None:
    scan = next(node for node in model.graph.node if node.op_type == "Scan")
    body = next(a.g for a in scan.attribute if a.name == "body")
    body.node.append(scan)


def large_constant(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer.add(name="huge", data_type=TensorProto.FLOAT)
    tensor.dims.extend([10**6, 10**6])


def large_shape(model: onnx.ModelProto) -> None:
    shape = np.array([LARGEST_INTEGER + 1], np.int64)
    model.graph.initializer.append(numpy_helper.from_array(shape, "shape"))


def outside(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, "/etc/passwd")


def many(model: onnx.ModelProto) -> None:
    model.graph.node.extend([helper.make_node("Neg", ["a"], ["b"])] * (MOST_NODES + 1))


CHANGES: dict[str, tuple[Change, str]] = {
    "a loop": (loop, "the operator Loop"),
    "a scan in a scan": (nested_scan, "a loop within a loop"),
    "an operator of another domain": (
        lambda m: m.graph.node.append(helper.make_node("Neg", ["a"], ["b"], domain=MICROSOFT)),
        "the operator com.microsoftNeg",
    ),
    "a constant without its values": (large_constant, "a constant of type 1"),
    "a gigantic shape": (large_shape, "a shape that is too large"),
    "values in another file": (outside, "the field"),
    "too many operators": (many, "operators"),
    "a function": (lambda m: m.functions.add(name="f"), "the field 25"),
    "metadata": (lambda m: m.metadata_props.add(key="a", value="b"), "the field 14"),
    "a constant as text": (
        lambda m: m.graph.initializer.add(data_type=8, dims=[1], string_data=[b"x"]),
        "the field 6",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_nmt_does_not_write_is_refused(name: str, tmp_path: Path) -> None:
    change, problem = CHANGES[name]
    with pytest.raises(RunError, match=f"this is no graph that nmt wrote .*{problem}"):
        check(tmp_path, changed(change))


def test_bytes_that_are_no_graph_are_refused(tmp_path: Path) -> None:
    good = changed(lambda model: None)
    check(tmp_path, good)
    for content in (b"", b"no graph", b"\0" * 1000, good[: len(good) // 2], good + good):
        with pytest.raises(RunError, match="this is no graph that nmt wrote"):
            check(tmp_path, content)


def test_a_graph_of_gigabytes_of_nothing_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "graph.onnx"
    with file.open("wb") as stream:
        stream.truncate(10**12)
    with pytest.raises(RunError, match="1,000,000,000,000 bytes"):
        check_graph(file)


def test_flipped_bytes_end_in_one_line_or_in_a_graph(tmp_path: Path) -> None:
    good = bytearray(changed(lambda model: None))
    random = np.random.default_rng(3)
    for _ in range(400):
        content = good.copy()
        for at in random.integers(0, len(content), 3):
            content[at] = random.integers(256)
        try:
            check(tmp_path, bytes(content))
        except RunError as error:
            assert "\n" not in str(error)


@pytest.mark.slow
def test_a_graph_that_grows_runs_into_the_limit_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [helper.make_node("Neg", ["x"], ["n0"]), helper.make_node("Abs", ["x"], ["a0"])]
    for at in range(34):
        nodes.append(helper.make_node("Concat", [f"n{at}", f"a{at}"], [f"n{at + 1}"], axis=0))
        nodes.append(helper.make_node("Neg", [f"n{at + 1}"], [f"a{at + 1}"]))
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])
    given = helper.make_tensor_value_info("n34", TensorProto.FLOAT, ["m"])
    graph = helper.make_graph(nodes, "grows", [value], [given])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 8
    session = _session(model.SerializeToString())
    with pytest.raises(SearchError, match="the model is damaged"):
        _computed(session, ["n34"], {"x": np.zeros(8, np.float32)})


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("source.npy", b"x" * 100)
    return buffer.getvalue()


def header(shape: str) -> bytes:
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    "content",
    [
        archive(),
        b"",
        header("(1000000, 1000000)"),
        header("(" * 50),
        header("(-1, 4)"),
        header("(9" + "9" * 80 + ",)"),
    ],
)
@pytest.mark.parametrize("name", ["source_embeddings", "translations", "common", "remainder"])
def test_what_is_no_array_is_refused(folder: Path, name: str, content: bytes) -> None:  # noqa: F811
    rewrite(folder, **{f"{name}__npy": content})
    with pytest.raises(RunError, match=f"{name}.npy: this is (no|an) array"):
        load_stepper(folder, BOTH)


@pytest.mark.parametrize(
    "settings",
    [
        b'{"format": 3, "tokenizers": ["one", "other"], "target_vocabulary": 1000000000000}',
        b'{"format": 3, "tokenizers": 3, "target_vocabulary": 40, "is_joint": true}',
        b'{"format": 3, "tokenizers": ["one", "other"], "target_vocabulary": 7, "is_joint": 1}',
        b"[" * 9_000,
        b'{"format": ' + b"9" * 9_000 + b"}",
        b" " * 20_000,
    ],
)
def test_settings_that_nmt_does_not_write_are_refused(folder: Path, settings: bytes) -> None:  # noqa: F811
    rewrite(folder, settings__json=settings)
    with pytest.raises(RunError, match=r"settings\.json"):
        load_stepper(folder, BOTH)


def test_shortlists_of_other_tokens_are_refused(folder: Path) -> None:  # noqa: F811
    buffer = io.BytesIO()
    np.save(buffer, np.full((40, 5), 60_000, np.uint16))
    rewrite(folder, translations__npy=buffer.getvalue())
    with pytest.raises(RunError, match="shortlists are of another vocabulary"):
        load_stepper(folder, BOTH)


def test_a_link_that_leads_out_of_a_folder_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("mine")
    model = tmp_path / "model"
    (model / "export").mkdir(parents=True)
    (model / "README.md").write_text("fine")
    (model / "card").symlink_to("README.md")
    (tmp_path / "alias").symlink_to(model)
    refuse_links_out(model)
    refuse_links_out(tmp_path / "alias")
    for place in (model, model / "export"):
        for target in (secret, Path("/dev/zero"), Path("..") / ".." / "secret"):
            (place / "link").symlink_to(target)
            with pytest.raises(RunError, match="link: this link leads out of the folder"):
                refuse_links_out(model)
            (place / "link").unlink()
    (model / ".#README.md").symlink_to("somebody@host.123:456")  # a lock that an editor leaves
    refuse_links_out(model)
    (model / "loop").symlink_to("loop")
    with pytest.raises(RunError, match="loop: this link leads nowhere"):
        refuse_links_out(model)
    (model / "loop").unlink()
    os.mkfifo(model / "pipe")
    with pytest.raises(RunError, match="pipe: this is no file"):
        refuse_links_out(model)


def test_a_link_under_the_name_of_a_temporary_file_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("mine")
    model = tmp_path / "model"
    model.mkdir()
    file = model / "report.html"
    for name in (".report.html.new", ".report.html.0123456789abcdef.new", "report.html"):
        (model / name).symlink_to(secret)
    write_atomically(file, b"theirs")
    assert secret.read_text() == "mine"
    assert file.read_text() == "theirs"
    assert not file.is_symlink()


def test_only_so_much_of_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    assert read_limited(file, 5) == b"12345"
    with pytest.raises(RunError, match="at most 4 bytes"):
        read_limited(file, 4)
    with pytest.raises(NmtError, match="no file"):
        read_limited(Path("/dev/zero"), 4)
