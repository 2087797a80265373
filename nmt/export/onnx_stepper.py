"""The search's view of an exported model: ONNX Runtime and NumPy, and no torch."""

import copy
import os
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from nmt.errors import RunError, SearchError
from nmt.export.graph import Array
from nmt.export.quantisation import quantise_rows
from nmt.export.shortlist import Everything, Lexicon
from nmt.search.stepper import Candidates, Distribution, Floats, Integers
from nmt.text.tokenizer import EOS

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MOST_MEMORY = max(2**31, 2**29 * (os.cpu_count() or 1))
"""Bytes of all that the graphs of a process compute at a time, half a gigabyte for each thread."""
FEWEST_IN_PLACE = 0.8
"""Share of the sentences of a batch below which those that go on are copied together."""


class OnnxState(NamedTuple):
    """Where a search is.

    Sentences that are over stay in place, with rows that count for nothing, until it is worth the
    time to copy the others together.

    Attributes:
        sentences: What the encoder left of each sentence, by name, and what is ``allowed``.
        output: The output layer, by name; its last output stands for all that is out of reach.
        tokens: The target token of each other output, shape (outputs - 1,).
        states: The decoder's states, by name, shape (sentences in place x width, size).
        width: Rows of a sentence.
        places: The place of each sentence that goes on among `sentences`, ascending.
        numbers: Which of all sentences it is, likewise.
        sources: The token ids of all sentences and their lengths, as for `Stepper.start`.
    """

    sentences: dict[str, Array]
    output: dict[str, Array]
    tokens: Integers
    states: dict[str, Array]
    width: int
    places: Integers
    numbers: Integers
    sources: tuple[Integers, Integers]

    @property
    def sentences_in_place(self) -> int:
        """How many sentences are held, those that are over included."""
        return len(self.sentences["sentence.mask"])

    @property
    def places_of_rows(self) -> Integers:
        """The place of each row among those of all sentences, shape (rows,)."""
        places: Integers = self.places[:, None] * self.width + np.arange(self.width)
        return places.reshape(-1)


class OnnxStepper:
    """Steps an exported model. Threads may share it.

    Args:
        encoder: The graph that reads the sources: its file, or what is in it.
        step: The graph that takes a step, likewise.
        embeddings: Of source and target tokens; see `nmt.export.graphs.Export`.
        everything: The whole vocabulary.
        lexicon: Shortlists, if there are any.
    """

    def __init__(
        self,
        encoder: Path | bytes,
        step: Path | bytes,
        embeddings: tuple[Array, Array],
        everything: Everything,
        lexicon: Lexicon | None,
    ) -> None:
        self._encoder, self._step = _session(encoder), _session(step)
        self._source, self._target = embeddings
        self._everything, self._lexicon = everything, lexicon
        _check_inputs(encoder, self._encoder, {"embedded": embeddings[0], "lengths": None})
        _check_inputs(step, self._step, {"embedded": embeddings[1], "shape": None})
        made = [output.name for output in self._encoder.get_outputs()]
        self._made = [name for name in made if name != "memory"]
        inputs = [node.name for node in self._step.get_inputs()]
        self._of_sentences = [name for name in inputs if name.startswith(("sentence.", "allowed"))]
        self._of_output = [name for name in inputs if name.startswith("output.")]
        self._states = [name for name in inputs if name.startswith("state.")]
        self._after = [name.replace("state.", "next.") for name in self._states]
        outputs = [output.name for output in self._step.get_outputs()]
        self._looked = [name for name in outputs if name == "attention"]
        handed_on = {*self._of_sentences, *self._of_output, *self._states} - {"allowed"}
        if not handed_on <= set(made) or not {*self._after, "best", "best_at"} <= set(outputs):
            raise RunError("the two graphs of the export do not fit together: export the run again")

    @property
    def lexicon(self) -> Lexicon | None:
        """Its shortlists, if it has any."""
        return self._lexicon

    def without_shortlist(self) -> Self:
        """The same model, its whole vocabulary in reach."""
        whole = copy.copy(self)
        whole._lexicon = None
        return whole

    def start(
        self,
        source: Integers,
        source_lengths: Integers,
        needed: Sequence[Collection[int]] = (),
    ) -> OnnxState:
        """Read the source sentences; see `Stepper.start`."""
        sentences = len(source)
        reach = self._lexicon or self._everything
        tokens, allowed = reach.of(source, source_lengths, needed)
        made = self._read(self._made, source, source_lengths, tokens)
        held = {name: values for name, values in made.items() if name.startswith("sentence.")}
        return OnnxState(
            sentences={**held, "allowed": np.pad(allowed, ((0, 0), (0, 0), (0, 1)))},
            output=_with_remainder({name: made[name] for name in self._of_output}, reach.remainder),
            tokens=tokens,
            states={name: made[name] for name in self._states},
            width=1,
            places=np.arange(sentences),
            numbers=np.arange(sentences),
            sources=(source, source_lengths),
        )

    def step(self, state: OnnxState, tokens: Integers, k: int) -> tuple[Candidates, OnnxState]:
        """Take one step in every row; see `Stepper.step`."""
        k = min(k, len(state.tokens))
        (best, best_at, *looked), state = self._run(["best", "best_at"], state, tokens, k)
        return Candidates(best, state.tokens[best_at], *looked), state

    def distribution(self, state: OnnxState, tokens: Integers) -> tuple[Distribution, OnnxState]:
        """Take one step in every row; see `Stepper.distribution`."""
        (found, *looked), state = self._run(["in_reach"], state, tokens, 1)
        everything = np.full((len(tokens), self._everything.vocabulary_size), -np.inf, np.float32)
        everything[:, state.tokens] = found
        return Distribution(everything, *looked), state

    def select(self, state: OnnxState, rows: Integers) -> OnnxState:
        """Keep, repeat and reorder rows; see `Stepper.select`."""
        held, width = state.sentences_in_place, rows.shape[1]
        going = rows[:, 0] // state.width
        sentences, places = state.sentences, state.places[going]
        chosen = places[:, None] * state.width + rows % state.width
        if len(places) <= held * FEWEST_IN_PLACE:
            sentences = {
                name: values if len(values) < held else values[places]
                for name, values in sentences.items()
            }
            places = np.arange(len(places))
        else:  # a sentence that is over goes on with its first row
            first = np.arange(held)[:, None] * state.width
            chosen_of_all = np.repeat(first, width, axis=1)
            chosen_of_all[places] = chosen
            chosen = chosen_of_all
        states, chosen = state.states, chosen.reshape(-1)
        if not np.array_equal(chosen, np.arange(held * state.width)):
            states = {name: values[chosen] for name, values in states.items()}
        return state._replace(
            sentences=sentences,
            states=states,
            width=width,
            places=places,
            numbers=state.numbers[going],
        )

    def memory(self, state: OnnxState) -> Floats:
        """The encoder's memory vectors; see `Stepper.memory`."""
        # Hardly ever asked for, so it is read once more rather than held.
        source, lengths = (array[state.numbers] for array in state.sources)
        memory: Floats = self._read(["memory"], source, lengths, state.tokens)["memory"]
        return memory

    def _read(
        self, names: list[str], source: Integers, source_lengths: Integers, tokens: Integers
    ) -> dict[str, Array]:
        """What the encoder gives out, by name."""
        inputs = {
            "embedded": self._source[source.T],
            "lengths": np.asarray(source_lengths, np.int64),
            "outputs": tokens,
        }
        return dict(zip(names, _computed(self._encoder, names, inputs), strict=True))

    def _run(
        self, names: list[str], state: OnnxState, tokens: Integers, k: int
    ) -> tuple[list[Floats], OnnxState]:
        held, width = state.sentences_in_place, state.width
        is_all = len(state.places) == held
        live = state.places_of_rows
        if not is_all:
            tokens_of_all = np.full(held * width, EOS)
            tokens_of_all[live] = tokens
            tokens = tokens_of_all
        wanted = names + self._looked
        found = _computed(
            self._step,
            wanted + self._after,
            {
                "embedded": self._target[tokens],
                "shape": np.array([held, width], np.int64),
                "k": np.array([k], np.int64),
                **{name: state.sentences[name] for name in self._of_sentences},
                **state.output,
                **state.states,
            },
        )
        states = dict(zip(self._states, found[len(wanted) :], strict=True))
        results = found[: len(wanted)]
        if not is_all:
            results = [values[live] for values in results]
        return results, state._replace(states=states)


def _with_remainder(output: dict[str, Array], remainder: Floats) -> dict[str, Array]:
    """The output layer with one more output, for all that is out of reach."""
    weight = output["output.weight"]
    row = np.broadcast_to(remainder[:-1], (1, len(weight)))
    added = {"output.bias": remainder[-1:]}
    if weight.dtype == np.int8:
        row, added["output.scale"] = quantise_rows(row)
    added["output.weight"] = row.T
    return {name: np.concatenate([array, added[name]], axis=-1) for name, array in output.items()}


def _check_inputs(
    graph: Path | bytes, session: "InferenceSession", expected: dict[str, Array | None]
) -> None:
    """Check that a graph is the one it is taken for, and the embeddings those that it reads.

    Raises:
        RunError: They are not.
    """
    inputs = {node.name: node for node in session.get_inputs()}
    where = "the graph" if isinstance(graph, bytes) else graph
    for name, array in expected.items():
        if name not in inputs:
            raise RunError(
                f"{where}: this is another graph, it has no {name}: export the run again"
            )
        if array is None:
            continue
        kind = {"uint8": "tensor(uint8)", "float32": "tensor(float)"}.get(str(array.dtype))
        if array.ndim != 2 or (kind, array.shape[1]) != (inputs[name].type, inputs[name].shape[-1]):
            raise RunError(f"{where}: it reads other embeddings: export the run again")


def _computed(
    session: "InferenceSession", names: list[str], inputs: dict[str, Array]
) -> list[Array]:
    """What a graph gives out.

    Raises:
        SearchError: It cannot be computed, or takes more than `MOST_MEMORY`.
    """
    try:
        found: list[Array] = session.run(names, inputs)
    except Exception as error:  # those of the library have no parent but this
        reason = str(error).splitlines()[0][:200]
        raise SearchError(
            f"the model is damaged, its graph cannot be computed: {reason}"
        ) from error
    return found


@cache
def _limit_memory() -> None:
    """Let all graphs together take no more than `MOST_MEMORY`, whatever they compute."""
    import onnxruntime

    cpu = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    limits = onnxruntime.OrtArenaCfg({"max_mem": MOST_MEMORY})
    onnxruntime.create_and_register_allocator(cpu, limits)


def _session(graph: Path | bytes) -> "InferenceSession":
    """A session of one thread: threads are for batches, not for small products.

    Raises:
        RunError: ONNX Runtime cannot load it.
    """
    # Or from 1.29 on it reports its use to Microsoft, and keeps a database for that at home.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    _limit_memory()
    options.add_session_config_entry("session.use_env_allocators", "1")
    content = graph if isinstance(graph, bytes) else graph.read_bytes()
    where = "the graph" if isinstance(graph, bytes) else graph
    if b"location" in content:  # the key that names another file of weights, anywhere on the disk
        raise RunError(f"{where}: its weights are in other files: export the run again")
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # those of the library have no parent but this
        raise RunError(
            f"{where}: ONNX Runtime {onnxruntime.__version__} cannot load this ({error}): export "
            "the run again with `nmt export`, or update onnxruntime"
        ) from error
