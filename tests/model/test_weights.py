"""Weights in a file: the same bits back, or one line that says what is wrong and where."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from torch import Tensor

from nmt.config import ModelConfig
from nmt.errors import RunError
from nmt.model.seq2seq import Seq2Seq, build
from nmt.model.weights import load_model, load_weights, named_weights, read_tensors, weights_bytes

VOCABULARY = 9


def make(seed: int = 1, **settings: object) -> Seq2Seq:
    asked: dict[str, object] = {
        "cell": "lstm",
        "encoder_layers": 2,
        "decoder_layers": 2,
        "attention": "general",
        "attention_query": "last",
        "shared_embeddings": True,
        "tied_output": False,
        "hidden_size": 4,
        "embedding_size": 3,
        "attention_heads": 2,
    }
    return build(ModelConfig.model_validate(asked | settings), VOCABULARY, VOCABULARY, seed)


def written(file: Path, tensors: dict[str, Tensor]) -> Path:
    file.write_bytes(weights_bytes(tensors))
    return file


def refusal(model: Seq2Seq, file: Path) -> str:
    with pytest.raises(RunError) as caught:
        load_weights(model, file)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"tied_output": True},
        {"shared_embeddings": False},
        {"tied_output": True, "shared_embeddings": False},
        {"cell": ["gru", "gru-cho"], "attention": "multihead", "input_feeding": True},
        {"cell": "rnn", "attention": "additive", "bidirectional": False},
        {"layer_norm": True},
    ],
    ids=str,
)
def test_what_is_loaded_is_what_was_saved_bit_for_bit(
    settings: dict[str, object], tmp_path: Path
) -> None:
    model = make(**settings)
    with torch.no_grad():  # numbers that a detour through text or another type would lose
        model.source_embedding.weight[0] = torch.tensor([1e-45, -0.0, 1.0 + 2.0**-23])
    other = make(seed=2, **settings)
    storages = {name: tensor.data_ptr() for name, tensor in named_weights(other).items()}
    load_weights(other, written(tmp_path / "model.safetensors", named_weights(model)))
    for name, tensor in named_weights(model).items():
        found = named_weights(other)[name]
        assert torch.equal(found.view(torch.int32), tensor.view(torch.int32)), name
        assert found.data_ptr() == storages[name], "filled in place: an optimiser holds it"


def test_a_tied_table_is_in_the_file_once(tmp_path: Path) -> None:
    file = written(tmp_path / "w", named_weights(make(tied_output=True)))
    names = read_tensors(file).keys()
    assert "source_embedding.weight" in names
    assert not {"target_embedding.weight", "vocabulary.weight"} & names


def test_a_loaded_tied_model_is_still_tied(tmp_path: Path) -> None:
    settings = {"tied_output": True}
    model = make(seed=2, **settings)
    load_weights(model, written(tmp_path / "w", named_weights(make(**settings))))
    assert model.vocabulary.weight is model.target_embedding.weight is model.source_embedding.weight


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "no such file" in refusal(make(), tmp_path / "model.safetensors")


def test_a_folder_is_not_a_weights_file(tmp_path: Path) -> None:
    refusal(make(), tmp_path)


def test_a_file_cut_off_anywhere_is_refused_by_name(tmp_path: Path) -> None:
    model = make()
    content = weights_bytes(named_weights(model))
    file = tmp_path / "model.safetensors"
    lengths = {0, 1, 7, 8, 9, 100, len(content) // 2, len(content) - 4, len(content) - 1}
    for length in sorted(lengths):
        file.write_bytes(content[:length])
        assert "not a whole safetensors file" in refusal(model, file), length


@pytest.mark.parametrize(
    "content",
    [b"not weights at all", b"\xff" * 200, b"\x80\x02}q\x00."],
    ids=["text", "ff", "pickle"],
)
def test_what_is_not_safetensors_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(content)
    assert "not a whole safetensors file" in refusal(make(), file)


def test_a_file_with_trailing_bytes_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(weights_bytes(named_weights(make())) + b"more")
    refusal(make(), file)


def test_a_missing_and_an_extra_tensor_are_named(tmp_path: Path) -> None:
    model = make()
    tensors = named_weights(model)
    fewer = {name: tensor for name, tensor in tensors.items() if name != "vocabulary.bias"}
    message = refusal(model, written(tmp_path / "fewer", fewer))
    assert "vocabulary.bias" in message
    assert "config.toml" in message
    more = tensors | {"another.weight": torch.zeros(2)}
    assert "another.weight" in refusal(model, written(tmp_path / "more", more))


def test_a_tensor_of_another_shape_is_named_with_both_shapes(tmp_path: Path) -> None:
    tensors = named_weights(make()) | {"decoder.output.weight": torch.zeros(4, 5)}
    message = refusal(make(), written(tmp_path / "w", tensors))
    assert "decoder.output.weight has shape [4, 5]" in message
    assert "[4, 8]" in message


def test_a_transposed_tensor_is_refused_too(tmp_path: Path) -> None:
    tensors = named_weights(make())
    tensors["vocabulary.weight"] = tensors["vocabulary.weight"].t()
    assert "vocabulary.weight" in refusal(make(), written(tmp_path / "w", tensors))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_not_finite_is_refused_with_its_tensor(
    value: float, tmp_path: Path
) -> None:
    tensors = {name: tensor.clone() for name, tensor in named_weights(make()).items()}
    tensors["decoder.output.bias"][-1] = value
    message = refusal(make(), written(tmp_path / "w", tensors))
    assert "decoder.output.bias" in message
    assert "not finite" in message


def test_a_tensor_that_is_not_contiguous_is_saved_in_the_right_order(tmp_path: Path) -> None:
    matrix = torch.arange(6.0).view(2, 3).t()
    assert torch.equal(read_tensors(written(tmp_path / "w", {"m": matrix}))["m"], matrix)


def test_no_pickle_is_in_the_file() -> None:
    content = weights_bytes(named_weights(make()))
    plain = save({k: v.contiguous() for k, v in named_weights(make()).items()})
    numbers = len(plain) - 8 - int.from_bytes(plain[:8], "little")
    assert content[-numbers:] == plain[-numbers:]
    assert content[8:9] == b"{", "eight bytes of length, then JSON"


def test_a_flipped_bit_in_any_number_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    content = weights_bytes(named_weights(make()))
    first = 8 + int.from_bytes(content[:8], "little")
    for place in (first, (first + len(content)) // 2, len(content) - 1):
        for bit in (0, 6):
            damaged = bytearray(content)
            damaged[place] ^= 1 << bit
            file.write_bytes(damaged)
            with pytest.raises(RunError, match=r"model\.safetensors: this file is damaged"):
                read_tensors(file)


def test_a_file_without_a_checksum_is_read(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(save({"m": torch.ones(2)}))
    assert read_tensors(file)["m"].tolist() == [1.0, 1.0]


def test_sizes_that_would_take_all_memory_are_refused_before(tmp_path: Path) -> None:
    file = written(tmp_path / "w", named_weights(make()))
    huge = ModelConfig(hidden_size=16_384, encoder_layers=100, decoder_layers=100)
    with pytest.raises(RunError, match=r"does not fit the run's config\.toml"):
        load_model(huge, 1_000_000, 1_000_000, file)


def test_a_file_of_gigabytes_of_nothing_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "w"
    with file.open("wb") as stream:
        stream.truncate(10**12)
    with pytest.raises(RunError, match=r"does not fit the run's config\.toml"):
        load_model(ModelConfig(hidden_size=16, embedding_size=8), 300, 300, file)
