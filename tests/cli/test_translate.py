"""``nmt translate`` as a user calls it."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from select import select
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.cli.lines import arriving_lines
from nmt.config import TokenizerConfig
from nmt.errors import SearchError
from nmt.runs.finding import shipped_models
from nmt.search.search import Hypothesis, search
from nmt.text.tokenizer import train_tokenizer
from tests.cli.conftest import Command, Inside, clean_environment, start


class Pieces:
    """A stream from which data arrives in given pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = [piece for piece in pieces if piece]

    def read1(self, size: int) -> bytes:
        if not self.pieces:
            return b""
        piece = self.pieces.pop(0)
        assert len(piece) <= size
        return piece


def lines_of(pieces: list[bytes]) -> list[str]:
    return [line for lines in arriving_lines(Pieces(pieces), "input") for line in lines]


@given(text=st.text(st.sampled_from("aé\n\r\u2028\x85\x0c\t ")), cuts=st.lists(st.integers(0, 30)))
def test_lines_end_at_newlines_alone_however_they_arrive(text: str, cuts: list[int]) -> None:
    data = text.encode()
    bounds = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[i:j] for i, j in pairwise(bounds)]
    expected = text.split("\n")
    if expected[-1] == "":
        expected.pop()
    assert lines_of(pieces) == [line[:-1] if line[-1:] == "\r" else line for line in expected]


def test_lines_are_given_as_soon_as_they_have_arrived() -> None:
    stream = Pieces([b"one\ntw", b"o\n", b"three"])
    arriving = arriving_lines(stream, "input")
    assert next(arriving) == ["one"]
    assert stream.pieces == [b"o\n", b"three"]
    assert list(arriving) == [["two"], ["three"]]


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert lines_of(["\ufeffune\n\ufeffdeux".encode()]) == ["une", "\ufeffdeux"]


@pytest.mark.parametrize(
    ("bad", "problem"),
    [(b"caf\xe9", "not UTF-8 (byte 0xE9 at byte 4)"), (b"a\0b", "holds a NUL")],
)
def test_what_is_not_text_is_refused_with_its_line_after_the_lines_before(
    bad: bytes, problem: str
) -> None:
    arriving = arriving_lines(Pieces([b"one\n", b"two\n\n" + bad + b"\nfive\n"]), "input")
    assert next(arriving) == ["one"]
    assert next(arriving) == ["two", ""]
    with pytest.raises(SearchError) as caught:
        next(arriving)
    assert str(caught.value).startswith(f"input, line 4: {problem}")


def test_each_text_becomes_one_line_and_stderr_names_the_model(
    command: Command, trained: Path
) -> None:
    done = command("translate", "le petit chat voit le grand chien.", "", "le\nchat", LC_ALL="C")
    assert done.returncode == 0
    lines = done.stdout.decode().split("\n")
    assert len(lines) == 4
    assert lines[0]
    assert lines[1] == lines[3] == ""
    assert done.stderr == b"translating with checkpoints/toy (dev BLEU 30.0)\n"


def test_each_line_of_standard_input_becomes_one_line_as_if_it_were_alone(
    inside: Inside, trained: Path
) -> None:
    sentences = ["le vieux livre aime le chat.", "", "le chien\u2028\x0cvoit", "le cheval"]
    piped = inside("translate", input="\n".join(sentences).encode())
    assert piped.code == 0
    assert len(piped.lines) == 4
    assert piped.lines == [inside("translate", text).lines[0] for text in sentences]
    crlf = inside("translate", "--model", trained, input="\r\n".join([*sentences, ""]).encode())
    assert crlf.lines == piped.lines


def test_no_lines_become_no_lines(inside: Inside, trained: Path) -> None:
    done = inside("translate", input=b"")
    assert (done.code, done.lines) == (0, [])


def test_bad_input_is_one_line_on_stderr_with_its_number_after_what_came_before(
    inside: Inside, trained: Path
) -> None:
    done = inside("translate", input=b"le chat\n\xff\xfe\n")
    assert (done.code, len(done.lines)) == (2, 1)
    assert done.errors[-1].startswith(
        "nmt: standard input, line 2: not UTF-8 (byte 0xFF at byte 1)"
    )


def test_json_gives_hypotheses_scores_tokens_and_attention(inside: Inside, trained: Path) -> None:
    done = inside("translate", "--json", "--beam", "3", "--n-best", "2", "le chat", "")
    first, second = map(json.loads, done.lines)
    assert first["source"] == "le chat"
    assert len(first["hypotheses"]) == 2
    for hypothesis in first["hypotheses"]:
        assert {"text", "score", "log_probability", "tokens", "attention"} <= hypothesis.keys()
        assert len(hypothesis["attention"]) == len(hypothesis["tokens"])
        for weights in hypothesis["attention"]:
            assert len(weights) == len(first["source_tokens"])
            assert sum(weights) == pytest.approx(1.0, abs=1e-3)
    assert second["hypotheses"][0]["text"] == ""


def test_n_best_lines_carry_the_number_of_their_input_and_a_score(
    inside: Inside, trained: Path
) -> None:
    done = inside("translate", "--beam", "3", "--n-best", "2", "le chat", "", "le chien")
    rows = [line.split("\t") for line in done.lines]
    assert [row[0] for row in rows] == ["1", "1", "2", "3", "3"]
    assert all(float(row[1]) <= 0.0 and len(row) == 3 for row in rows)


COUNTED = """
import atexit, sys
from nmt.config import RunConfig
counts = {"read": 0, "checked": 0}
def count(event, arguments):
    if event == "open" and str(arguments[0]).endswith("config.toml"):
        counts["read"] += 1
sys.addaudithook(count)
check = RunConfig.model_validate
def counting(*arguments):
    counts["checked"] += 1
    return check(*arguments)
RunConfig.model_validate = counting
atexit.register(lambda: print(counts["read"], counts["checked"], file=sys.stderr))
sys.argv = ["nmt", *sys.argv[1:]]
from nmt.cli import main
main()
"""


def test_a_changed_option_is_applied_once_to_a_configuration_that_is_read_once(
    folder: Path, cache: Path, trained: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COUNTED, "translate", "--beam", "4", "le petit chat"],
        cwd=folder,
        env=clean_environment(cache),
        capture_output=True,
        text=True,
        check=True,
    )
    read, checked = map(int, done.stderr.splitlines()[-1].split())
    assert (read, checked) == (1, 2)


def test_a_minus_names_the_standard_streams(inside: Inside, trained: Path, folder: Path) -> None:
    expected = inside("translate", "le petit chat").lines
    assert inside("translate", "--output", "-", "le petit chat").lines == expected
    piped = inside("translate", "--input", "-", "--output", "-", input=b"le petit chat\n")
    assert (piped.code, piped.lines) == (0, expected)
    assert not (folder / "-").exists()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_full_disk_behind_a_stream_is_no_bug_of_ours(
    folder: Path, cache: Path, trained: Path, stream: str
) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "nmt", "translate", "le petit chat"],
            cwd=folder,
            env=clean_environment(cache),
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: full},
        )
    if stream == "stdout":
        assert done.returncode == 2
        problem = "nmt: standard output: No space left on device"
        assert done.stderr.decode().splitlines()[1:] == [problem]
    else:
        assert (done.returncode, done.stdout.count(b"\n")) == (0, 1)


def test_alignments_on_a_full_disk_are_named(inside: Inside, trained: Path) -> None:
    done = inside("translate", "--alignments", "/dev/full", "le petit chat")
    assert (done.code, done.errors[-1]) == (2, "nmt: /dev/full: No space left on device")


def test_what_a_stranger_called_a_language_commands_no_terminal(
    inside: Inside, trained: Path
) -> None:
    config = trained / "config.toml"
    text = config.read_text().replace('source = "fr"', 'source = "\\u001b[31m"', 1)
    config.write_text(text)
    listed = inside("models")
    assert listed.lines[0] == r"checkpoints/toy" + "\tfrom \\x1b[31m to en\tdev BLEU 30.0"
    refused = inside("translate", "--from", "fr", "--to", "en", "--model", trained, "le chat")
    assert refused.code == 2
    assert "\x1b" not in "".join(refused.errors) and r"\x1b[31m" in refused.errors[-1]


def test_samples_are_drawn_by_their_seed(inside: Inside, trained: Path) -> None:
    def sample(seed: int) -> list[str]:
        text = "le petit chat voit le grand chien."
        return inside("translate", "--sample", "--top-k", "50", "--seed", str(seed), text).lines

    assert sample(1) == sample(1)
    assert sample(1) != sample(2)


@pytest.mark.parametrize("penalty", [0.0, 1.0, 2.0])
def test_the_length_penalty_is_the_power_of_the_length_that_scores_are_divided_by(
    inside: Inside, trained: Path, penalty: float
) -> None:
    done = inside("translate", "--json", "--length-penalty", str(penalty), "le petit chat voit")
    best = json.loads(done.lines[0])["hypotheses"][0]
    assert best["score"] == pytest.approx(best["log_probability"] / len(best["tokens"]) ** penalty)


def test_a_reader_that_leaves_early_is_no_error_to_speak_of(
    folder: Path, cache: Path, trained: Path
) -> None:
    with start(folder, cache, "translate", "--beam", "1") as process:
        process.stdin.write(b"le chat\n" * 50)
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        process.stdin.write(b"le chat\n" * 50)
        process.stdin.close()
        assert process.stderr.read() == b"translating with checkpoints/toy (dev BLEU 30.0)\n"
        assert process.wait(60) == 1


def test_lines_from_a_slow_writer_are_answered_one_by_one(
    folder: Path, cache: Path, trained: Path
) -> None:
    with start(folder, cache, "translate") as process:
        for _ in range(2):
            process.stdin.write(b"le chat\n")
            process.stdin.flush()
            assert select([process.stdout], [], [], 60.0)[0], "nothing comes"
            assert process.stdout.readline().endswith(b"\n")
        process.stdin.close()
        assert process.wait(60) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--temperature", "2"], "--temperature is for drawing translations at random: add"),
        (["--n-best", "9"], "search.n_best is 9 but search.beam only keeps 2: raise the beam"),
        (["--beam", "0"], "search.beam is 0: it must be greater than or equal to 1"),
        (["--beam", "x"], "--beam is 'x': it takes a whole number"),
        (["--set", "training.epochs=3"], "a trained model keeps this as it is"),
        (["--set", "search.beem=3"], "unknown key search.beem: did you mean search.beam?"),
        (["--model", "nowhere"], "nowhere: there is no such folder"),
    ],
)
def test_wrong_options_are_one_line_on_stderr_and_exit_code_2(
    inside: Inside, trained: Path, options: list[str], message: str
) -> None:
    done = inside("translate", *options, "le chat")
    assert (done.code, done.lines, len(done.errors)) == (2, [], 1)
    assert done.errors[0].startswith("nmt: ")
    assert message in done.errors[0]


def test_the_environment_names_the_model_and_the_option_goes_before_it(
    inside: Inside, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained.rename(trained.with_name("b"))
    monkeypatch.setenv("NMT_MODEL", "checkpoints/b")
    assert inside("translate", "").errors == ["translating with checkpoints/b (dev BLEU 30.0)"]
    monkeypatch.setenv("NMT_MODEL", "nowhere")
    assert inside("translate", "").errors == ["nmt: nowhere: there is no such folder"]
    assert inside("translate", "--model", "checkpoints/b", "").code == 0


def test_a_model_is_chosen_by_its_languages(
    inside: Inside, trained: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmt.runs.finding._PACKAGE", folder / "nmt")
    line = "le petit chat voit le vieux chien."
    here = inside("translate", "--to", "en", line)
    assert (here.code, here.errors) == (0, ["translating with checkpoints/toy (dev BLEU 30.0)"])
    done = inside("score", "--to", "fr", "a", "b")
    assert (done.code, len(done.errors)) == (2, 1)
    assert "no model translates to fr: there is from fr to en (checkpoints/toy)" in done.errors[0]

    shutil.copytree(trained, folder / "nmt" / "checkpoints" / "fr-en")
    shutil.rmtree(folder / "checkpoints")
    (folder / "nmt" / "checkpoints" / "fr-en" / "model.safetensors").unlink()
    (folder / "nmt" / "checkpoints" / "fr-en" / "shipped.txt").write_text("")
    shipped = inside("translate", line)
    assert (shipped.code, shipped.lines) == (0, here.lines)
    assert shipped.errors == ["translating with fr-en (came with nmt, dev BLEU 30.0)"]
    assert inside("score", "a", "b").errors == ["scoring with fr-en (came with nmt, dev BLEU 30.0)"]
    done = inside("eval", "fr-en", "--source", "text/test.fr", "--reference", "text/test.en")
    assert done.code == 0 and "sentences with fr-en (came with nmt)" in done.errors[0]
    assert inside("report", "fr-en", "--no-scores").lines == ["fr-en.report.html"]
    assert inside("explain", line).errors == [
        "translating with fr-en (came with nmt, dev BLEU 30.0)"
    ]
    done = inside("explain", "--to", "fr", line)
    assert "no model translates to fr: there is from fr to en (fr-en (came" in done.errors[0]
    done = inside("eval")
    assert done.code == 0 and "sentences with fr-en (came with nmt)" in done.errors[0]
    assert inside("export").errors == [
        "nmt: no trained model under checkpoints/: train one with `nmt train`, "
        "or name one with --model DIR"
    ]
    done = inside("export", "nmt/checkpoints/fr-en")
    assert "fr-en: this model came with nmt as it is" in done.errors[0]


def test_a_damaged_model_is_refused_by_the_name_of_its_file(inside: Inside, trained: Path) -> None:
    for name in ("export/step.onnx", "model.safetensors"):  # what is exported goes first
        file = trained / name
        file.write_bytes(file.read_bytes()[:-10])
        done = inside("translate", "le chat")
        assert done.code == 2
        assert done.errors[-1].startswith(f"nmt: checkpoints/toy/{name}: ")
        shutil.rmtree(trained / "export", ignore_errors=True)


def test_a_closed_standard_output_is_one_line_and_exit_code_2(trained: Path) -> None:
    line = f'exec "{sys.executable}" -m nmt translate --model "{trained}" le >&-'
    done = subprocess.run(["sh", "-c", line], stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert b"nmt: standard output is closed" in done.stderr
    assert b"Traceback" not in done.stderr


TEXTS = ["le petit chat voit le vieux chien.", "", "le cheval aime le chat."]


def test_translations_are_as_the_options_say(inside: Inside, trained: Path, folder: Path) -> None:
    (folder / "terms.tsv").write_text("cheval\tzebra\nvieux chien\thound\n")
    options = ["--require", "house", "--forbid", "the", "--prefix", "A", "--beam", "4"]
    done = inside("translate", *options, "--glossary", "terms.tsv", *TEXTS)
    assert (done.code, len(done.lines)) == (0, 3)
    first, second, third = done.lines
    assert second == ""
    for line, term in ((first, "hound"), (third, "zebra")):
        assert line.startswith("A")
        assert re.search(r"(?<!\S)house(?!\w)", line)
        assert re.search(rf"(?<!\S){term}(?!\w)", line)
        assert not re.search(r"(?<!\S)the(?!\w)", line)
    plain = inside("translate", "--glossary", "terms.tsv", "le petit livre")
    assert plain.lines == inside("translate", "le petit livre").lines


def test_an_output_file_belongs_to_its_constraints(
    inside: Inside, trained: Path, folder: Path
) -> None:
    (folder / "in").write_text("\n".join(TEXTS))
    files = ["--input", "in", "--output", "out"]
    assert inside("translate", "--require", "house", *files).code == 0
    lines = (folder / "out").read_text().splitlines()
    assert lines == inside("translate", "--require", "house", *TEXTS).lines


def test_alignments_go_to_their_file_one_line_for_each_text(
    inside: Inside, trained: Path, folder: Path
) -> None:
    done = inside("translate", "--alignments", "a", input="\n".join(TEXTS).encode())
    assert done.lines == inside("translate", *TEXTS).lines
    aligned = (folder / "a").read_text().split("\n")
    assert aligned.pop() == ""
    for line, source, target in zip(aligned, TEXTS, done.lines, strict=True):
        pairs = [tuple(map(int, pair.split("-"))) for pair in line.split()]
        assert [t for _, t in pairs] == list(range(len(target.split())))
        assert all(0 <= s < len(source.split()) for s, _ in pairs)
    as_json = inside("translate", "--json", *TEXTS)
    for line, text in zip(aligned, as_json.lines, strict=True):
        found = json.loads(text)["hypotheses"][0]["alignment"]
        assert " ".join(f"{s}-{t}" for s, t in found) == line


def test_markup_goes_through_as_arguments_a_document_and_lines(
    inside: Inside, trained: Path, folder: Path
) -> None:
    def tags(text: str) -> list[str]:
        return re.findall(r"<[^<>]*>", text)

    texts = ["le <b>petit chat</b> voit", "", "<p>le chien<p>le cheval"]
    done = inside("translate", "--markup", "html", *texts)
    assert (done.code, len(done.lines)) == (0, 3)
    for text, line in zip(texts, done.lines, strict=True):
        assert tags(line) == tags(text)
    assert inside("translate", "--markup", "html", input="\n".join(texts).encode()).lines == (
        done.lines
    )
    page = "\ufeff<doc>\r\n <t>le chat</t>\n <p>le <i>vieux</i> chien</p>\n\n</doc>\n"
    (folder / "page.xml").write_bytes(page.encode())
    done = inside("translate", "--markup", "xml", "--input", "page.xml")
    assert tags("\n".join(done.lines)) == tags(page)
    assert (done.lines[0], len(done.lines)) == ("<doc>", 5)
    files = ["--input", "page.xml", "--output", "out.xml"]
    into = inside("translate", "--markup", "xml", *files)
    assert (into.code, into.lines) == (0, [])
    assert (folder / "out.xml").read_text().splitlines() == done.lines
    into = inside("translate", "--markup", "xml", *files, "--resume")
    assert into.code == 2
    assert "--markup and --resume do not go together" in into.errors[-1]


def test_alternatives_are_words_with_their_probabilities(inside: Inside, trained: Path) -> None:
    text = TEXTS[0]
    done = inside("translate", "--alternatives", "4", text)
    rows = [line.split("\t") for line in done.lines]
    assert len(rows) == 4
    probabilities = [float(probability) for probability, _ in rows]
    assert probabilities == sorted(probabilities, reverse=True)
    assert 0.0 < sum(probabilities) <= 1.0
    best = inside("translate", text).lines[0].split()
    prefix = " ".join(best[:2]) + " "
    at = inside("translate", "--alternatives", "4", "--at", "2", text)
    assert at.lines == inside("translate", "--alternatives", "4", "--prefix", prefix, text).lines
    as_json = json.loads(
        inside("translate", "--json", "--alternatives", "4", "--at", "2", text).lines[0]
    )
    assert as_json["prefix"] == prefix
    assert [f"{w['probability']:.4f}\t{w['word']}" for w in as_json["alternatives"]] == at.lines


def test_several_models_translate_together(inside: Inside, trained: Path, folder: Path) -> None:
    twice = inside("translate", "--model", trained, "--model", "checkpoints/toy", *TEXTS)
    assert twice.lines == inside("translate", *TEXTS).lines
    assert twice.errors == [
        f"translating with {trained} (dev BLEU 30.0), checkpoints/toy (dev BLEU 30.0)"
    ]
    other = trained.with_name("other")
    shutil.copytree(trained, other)
    shutil.rmtree(other / "export")
    (other / "joint.model").unlink()
    text = (folder / "text" / "train.en").read_text().splitlines()
    train_tokenizer(text, TokenizerConfig(vocabulary_size=300), other / "joint.model")
    done = inside("translate", "--model", trained, "--model", other, "le chat")
    assert done.code == 2
    assert "other has another tokenizer than" in done.errors[-1]


def test_a_model_without_attention_aligns_nothing(
    inside: Inside, trained: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def blind(*arguments: Any) -> list[list[Hypothesis]]:
        return [[replace(h, attention=None) for h in found] for found in search(*arguments)]

    monkeypatch.setattr("nmt.translator.batched_search.search", blind)
    for options in (["--alignments", "a"], ["--markup", "xml"]):
        done = inside("translate", *options, "le chat")
        assert done.code == 2
        assert "this model has no attention" in done.errors[-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sample", "--beam", "3"], "--beam is for searching and --sample draws at random"),
        (["--sample", "--set", "search.beam=3"], "--beam is for searching and --sample draws"),
        (["--typical-p", "0.5"], "--typical-p is for drawing translations at random"),
        (["--at", "3"], "--at needs --alternatives: add it"),
        (["--alternatives", "3", "--at", "1", "--prefix", "a"], "--at and --prefix do not go"),
        (["--alternatives", "3", "--at", "99"], "--at 99: the translation has only"),
        (["--alternatives", "3", "--markup", "xml"], "--alternatives and --markup do not go"),
        (["--alternatives", "3", "le chien"], "--alternatives is for one TEXT"),
        (["--alternatives", "0"], "--alternatives is '0': it must be greater than or equal to 1"),
        (["--markup", "html", "--json"], "--markup and --json do not go together"),
        (["--markup", "rtf"], "--markup: 'rtf' is not one of 'html', 'xml'"),
        (["--markup", "xml", "<b>"], "line 1, column 4: not well-formed XML"),
        (["--alignments", "a", "--n-best", "2"], "--alignments and --n-best do not go together"),
        (["--alignments", "nowhere/a"], "nowhere/a: there is no folder nowhere"),
        (["--glossary", "nowhere"], "nowhere: cannot be read"),
        (["--require", "cat", "--forbid", "cat"], "'cat' is to be in the translation and"),
        (["--require", "cat", "--sample"], "need beam search"),
        (["--forbid", ""], "a forbidden word is empty"),
    ],
)
def test_what_does_not_go_together_is_one_line_on_stderr_and_exit_code_2(
    inside: Inside, trained: Path, options: list[str], message: str
) -> None:
    done = inside("translate", *options, "le chat")
    assert (done.code, done.lines) == (2, [])
    assert done.errors[-1].startswith("nmt: ")
    assert message in done.errors[-1]


def test_shards_are_translated_plainly(inside: Inside, trained: Path, folder: Path) -> None:
    (folder / "shards").mkdir()
    for option in (["--json"], ["--forbid", "a"], ["--model", trained, "--model", trained]):
        done = inside("translate", "--input", "shards", "--output", "out", *option)
        assert done.code == 2
        assert "--input of shards and" in done.errors[-1]


@pytest.mark.parametrize("page", ["README.md", "docs/translating.md"])
def test_the_python_of_the_documentation_runs(
    trained: Path, page: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trained.rename(trained.with_name("starter"))
    monkeypatch.chdir(trained.parents[1])
    text = (Path(__file__).parents[2] / page).read_text("utf-8")
    [snippet] = re.findall(r"```python\n(import nmt\n.*?)```", text, re.DOTALL)
    exec(snippet, {})
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == snippet.count("print(") + ("for translation" in snippet)


def test_more_alternatives_than_memory_has_room_for_are_refused(
    inside: Inside, trained: Path
) -> None:
    done = inside("translate", "--alternatives", "101", "le chat")
    assert done.code == 2
    assert "100" in done.errors[-1]


def test_a_run_that_is_not_exported_says_how_it_would_do_without_torch(
    inside: Inside, trained: Path
) -> None:
    assert inside("translate", "le chat").errors == [
        "translating with checkpoints/toy (dev BLEU 30.0)"
    ]
    shutil.rmtree(trained / "export")
    done = inside("translate", "le chat")
    assert done.code == 0
    assert done.errors[1:] == [
        "checkpoints/toy is not exported, so torch is loaded, which takes longer: "
        "`nmt export checkpoints/toy` changes that"
    ]


def test_alternatives_are_not_drawn_at_random(inside: Inside, trained: Path) -> None:
    done = inside("translate", "--alternatives", "3", "--sample", "le chat")
    assert done.code == 2
    assert done.errors[-1].startswith("nmt: --alternatives and --sample do not go together")


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-16", "UTF-16"), ("utf-16-le", "UTF-16LE"), ("utf-16-be", "UTF-16BE")],
)
def test_text_in_utf_16_is_called_that(
    inside: Inside, trained: Path, folder: Path, encoding: str, name: str
) -> None:
    data = "le petit chat.\nÉté\n".encode(encoding)
    (folder / "wide").write_bytes(data)
    said = f"line 1: looks like {name}: convert it, as with `iconv -f {name} -t UTF-8 FILE`"
    for arguments, input in (((), data), (("--input", "wide", "--output", "out"), b"")):
        done = inside("translate", *arguments, input=input)
        assert (done.code, done.lines) == (2, [])
        assert said in done.errors[-1]
    done = inside("eval", "--source", "wide", "--reference", "wide")
    assert f"looks like {name}: convert it" in done.errors[-1]


def test_lists_that_are_shorter_than_asked_for_are_counted(inside: Inside, trained: Path) -> None:
    diverse = ["--n-best", "6", "--beam", "6", "--set", "search.diversity_groups=6"]
    penalty = ["--set", "search.diversity_penalty=0"]
    done = inside("translate", *diverse, *penalty, "le chat voit.", "")
    assert len(done.lines) < 6 + 1
    assert done.errors[-1] == (
        "1 text has fewer than 6 translations: the search found no more that differ"
    )
    done = inside("translate", *diverse, *penalty, "--output", "out", input=b"le chat.\nle chat.\n")
    assert done.errors[-1].startswith("2 texts have fewer than 6 translations")
    assert len(inside("translate", "--n-best", "2", "le chat voit.").errors) == 1


ENGLISH = "Where is the station? I would like to go home."


@pytest.mark.slow
@pytest.mark.skipif(len(shipped_models()) < 2, reason="without the models that come with nmt")
def test_a_text_that_goes_the_other_way_is_noticed_and_turned_only_where_nothing_was_said(
    inside: Inside, folder: Path
) -> None:
    right = inside("translate", "--to", "fr", ENGLISH)
    assert "gare" in right.lines[0]
    assert [line.partition(" (")[0] for line in right.errors] == ["translating with en-fr"]
    (folder / "letter").write_text(f"{ENGLISH}\nThe end.\n")
    turned = inside("translate", ENGLISH)
    assert turned.lines == right.lines
    assert turned.errors[1] == (
        "this text is in English, and fr-en translates from French: it is translated into French "
        "instead"
    )
    assert turned.errors[2].startswith("translating with en-fr (came with nmt, dev BLEU ")
    for lines in (
        inside("translate", input=ENGLISH.encode()).lines,
        inside("translate", "--input", "letter").lines[:1],
        inside("translate", "--markup", "html", f"<p>{ENGLISH}</p>").lines[0][3:-4].splitlines(),
    ):
        assert lines == right.lines
    assert inside("translate", "--input", "letter", "--output", "brief").code == 0
    assert (folder / "brief").read_text().splitlines()[0] == right.lines[0]
    for options in (["--model", "fr-en"], ["--to", "EN"], ["--from", "fr"], ["--prefix", "The"]):
        kept = inside("translate", *options, ENGLISH)
        assert kept.lines != right.lines
        assert kept.errors[1:] == [
            "this text is in English, and fr-en translates from French: `--model en-fr` would "
            "translate it into French"
        ]
    explained = inside("explain", "Where is the station?")
    assert "this text is in English" in explained.errors[1]
    assert explained.lines[1].startswith("→ Où")


def test_a_text_that_goes_the_other_way_is_noticed_where_no_model_goes_there(
    inside: Inside, trained: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmt.runs.finding._PACKAGE", folder / "nmt")
    done = inside("translate", ENGLISH)
    assert (done.code, done.errors[1:]) == (
        0,
        ["this text is in English, and toy translates from French: no good may come of it"],
    )
    assert len(inside("translate", "le petit chat voit le vieux chien.").errors) == 1


def test_a_picture_that_cannot_be_drawn_here_is_refused_before_anything_is_translated(
    inside: Inside, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *_: None if name == "resvg_py" else found(name)
    )
    done = inside("translate", "--attention", "looks.png", "le chat")
    assert (done.code, done.lines, len(done.errors)) == (2, [], 1)
    assert done.errors[0].startswith("nmt: PNG needs resvg_py, which is not installed: pip install")
