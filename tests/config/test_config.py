"""The configuration: what is read, what is refused, and how that is said."""

import re
import shutil
import time
import tomllib
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.config import (
    CorpusConfig,
    RunConfig,
    changed_keys,
    find_recipe,
    keys,
    keys_about,
    load_recipe,
    override,
    recipe_name,
    to_toml,
    value_of,
)
from nmt.errors import ConfigError

DEFAULT = RunConfig()
SHIPPED = sorted((Path(__file__).parents[2] / "corpora").glob("*/recipe.toml"))


def write(folder: Path, text: str) -> Path:
    file = folder / "recipe.toml"
    file.write_text(text, encoding="utf-8")
    return file


def refusal(*overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        override(DEFAULT, overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@given(
    path=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    rate=st.floats(1e-9, 1e9),
    seed=st.integers(0, 2**63 - 1),
    cells=st.lists(st.sampled_from(["lstm", "gru-cho", "rnn", "mingru"]), min_size=2, max_size=2),
)
def test_what_is_saved_is_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, path: str, rate: float, seed: int, cells: list[str]
) -> None:
    config = RunConfig.model_validate(
        {
            "seed": seed,
            "corpus": {"test": path},
            "model": {"cell": cells, "encoder_layers": 2, "decoder_layers": 2},
            "training": {"learning_rate": rate},
        }
    )
    file = write(tmp_path_factory.mktemp("run"), to_toml(config))
    assert load_recipe(file) == config


def test_a_saved_configuration_names_every_key() -> None:
    tree = tomllib.loads(to_toml(DEFAULT))
    names = [
        f"{section}.{name}"
        for section, table in tree.items()
        if isinstance(table, dict)
        for name in table
    ]
    assert ["seed", *names] == [key.name for key in keys()]


def test_every_key_has_a_help_text_and_says_what_it_takes() -> None:
    described = {key.name: key for key in keys()}
    assert all(key.help and key.values for key in described.values())
    assert described["training.epochs"].default == "10"
    assert described["training.epochs"].values == "a whole number"
    assert described["tokenizer.joint"].values == "true or false"
    cells = "lstm, gru, gru-cho, rnn, sru, ssru, mingru, minlstm"
    assert described["model.cell"].values == f"{cells} or a list of these"
    assert "``" not in described["corpus.path"].help


@pytest.mark.parametrize(
    ("setting", "nearest"),
    [
        ("training.lerning_rate=1", "training.learning_rate"),
        ("lerning_rate=1", "training.learning_rate"),
        ("training.hidden_size=1", "model.hidden_size"),
        ("modle.hidden_size=1", "model.hidden_size"),
        ("search.beem=3", "search.beam"),
        ("sede=3", "seed or search.seed"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_right_one(setting: str, nearest: str) -> None:
    name = setting.partition("=")[0]
    assert refusal(setting) == f"unknown key {name}: did you mean {nearest}?"


def test_a_key_like_no_other_is_refused_with_where_to_look() -> None:
    assert refusal("zzz=1") == "unknown key zzz: `nmt train --keys` lists them all"


def test_a_section_is_not_a_key() -> None:
    assert "training is a section" in refusal("training=3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[training]\nepoch = 3\n", "unknown key training.epoch: did you mean training.epochs?"),
        ("[trainning]\nepochs = 3\n", "unknown key trainning: did you mean training?"),
        ("training = 3\n", "training is 3: it is a section, [training]"),
        ("[training]\nepochs = 'many'\n", "training.epochs is 'many': it takes a whole number"),
        ("[model]\ncell = 'lsmt'\n", "model.cell is 'lsmt': it takes lstm, gru, gru-cho, rnn, "),
        ("[model]\ncell = ['gru', 'x']\n", "model.cell is ['gru', 'x']: it takes lstm"),
        ("[training]\nepochs = true\n", "training.epochs is True: it takes a whole number"),
        ("[training]\nsteps = '1'\n", "training.steps is '1': it takes a whole number"),
        ("[model]\nbidirectional = 1\n", "model.bidirectional is 1: it takes true or false"),
        ('[corpus]\npath = "a\\u0000b"\n', "corpus.path is 'a\\x00b': no path holds a NUL"),
        ("[training]\nepochs = 0\n", "training.epochs is 0: it must be greater than or equal to 1"),
        ("[training\n", "not a TOML file"),
        (
            "[model]\ncell = ['gru', 'rnn']\n",
            "model.cell lists 2 cells but model.encoder_layers is 1",
        ),
    ],
)
def test_a_wrong_recipe_is_refused_with_its_file_and_full_key(
    tmp_path: Path, text: str, message: str
) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_recipe(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert message in str(caught.value)


def test_where_overrides_alone_are_wrong_the_recipe_is_not_blamed(tmp_path: Path) -> None:
    file = write(tmp_path, "[training]\nminutes = 3\n")
    for text in ("training.epochs=0", r'corpus.path="\u0000"'):
        with pytest.raises(ConfigError, match=f"^{text.partition('=')[0]} is "):
            load_recipe(file, [text])
    file = write(tmp_path, "[training]\nepochs = 0\n")
    with pytest.raises(ConfigError) as caught:
        load_recipe(file, ["training.steps=-1"])
    assert str(caught.value).startswith(f"{file}: ")


def test_all_problems_of_a_recipe_are_named_at_once(tmp_path: Path) -> None:
    file = write(tmp_path, "[training]\nepochs = 0\nepoch = 1\n[model]\nhiden_size = 3\n")
    with pytest.raises(ConfigError) as caught:
        load_recipe(file)
    for part in ("training.epochs is 0", "unknown key training.epoch:", "model.hidden_size"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (["tokenizer.joint=false"], ["model.shared_embeddings", "tokenizer.joint"]),
        (["corpus.path=a", "corpus.hub=b"], ["corpus.path", "corpus.hub"]),
        (["corpus.source=en", "corpus.target=en"], ["corpus.source", "corpus.target"]),
        (["search.n_best=9"], ["search.n_best", "search.beam"]),
        (["search.diversity_groups=3"], ["search.diversity_groups", "search.beam is 5"]),
        (
            ["search.sample=true", "search.diversity_groups=5"],
            ["search.diversity_groups", "search.sample"],
        ),
        (["model.context_every_step=true"], ["model.context_every_step", "model.attention"]),
        (["model.hidden_size=33"], ["model.hidden_size"]),
        (["training.steps=9", "training.minutes=5"], ["training.steps", "training.minutes"]),
    ],
)
def test_contradicting_keys_are_refused_by_their_full_names(
    settings: list[str], names: list[str]
) -> None:
    message = refusal(*settings)
    assert all(name in message for name in names)


def test_epochs_that_are_asked_for_end_a_time_budget() -> None:
    budget = override(DEFAULT, ["training.minutes=5"])
    assert override(budget, ["training.epochs=3"]).training.minutes == 0.0
    both = override(DEFAULT, ["training.epochs=3", "training.minutes=5"]).training
    assert (both.epochs, both.minutes) == (3, 5.0)


def test_steps_that_are_asked_for_go_before_epochs_and_a_time_budget() -> None:
    budget = override(DEFAULT, ["training.minutes=5"])
    stepped = override(budget, ["training.steps=70"])
    assert (stepped.training.steps, stepped.training.minutes) == (70, 0.0)
    assert override(stepped, ["training.epochs=3"]).training.steps == 0
    timed = override(stepped, ["training.minutes=5"]).training
    assert (timed.steps, timed.minutes) == (0, 5.0)
    assert override(budget, ["training.steps=0"]).training.minutes == 5.0, "0 asks for nothing"
    both = override(DEFAULT, ["training.epochs=3", "training.steps=70"]).training
    assert (both.epochs, both.steps) == (3, 70)


def test_a_search_that_would_fill_the_memory_is_refused() -> None:
    assert "search.beam is 100000" in refusal("search.beam=100000")
    assert "search.n_best is 100000" in refusal("search.sample=true", "search.n_best=100000")
    assert "search.max_length_factor is 1e+18" in refusal("search.max_length_factor=1e18")
    assert "search.max_length_factor is inf" in refusal("search.max_length_factor=inf")
    assert "search.max_length_extra is 100000" in refusal("search.max_length_extra=100000")


def test_a_subset_without_its_hub_set_is_refused() -> None:
    assert "corpus.hub is not" in refusal("corpus.hub_subset=en-fr")


def test_numbers_that_are_not_finite_are_refused() -> None:
    assert "training.learning_rate is inf" in refusal("training.learning_rate=inf")
    assert "training.weight_decay is nan" in refusal("training.weight_decay=nan")


def test_an_override_without_a_value_is_refused() -> None:
    assert "write --set section.key=value" in refusal("training.epochs")


def test_an_override_is_toml_or_else_a_plain_string() -> None:
    changed = override(
        DEFAULT,
        [
            "training.learning_rate=2e-3",
            "training.tensorboard=true",
            "model.attention=dot",
            'corpus.dev="val"',
            "model.encoder_layers=2",
            "model.decoder_layers=2",
            'model.cell=["gru", "lstm"]',
            "seed = 7",
        ],
    )
    assert changed.training.learning_rate == 0.002
    assert override(DEFAULT, ["training.noise=.5"]).training.noise == 0.5
    assert override(DEFAULT, ["training.tensorboard=True"]).training.tensorboard is True
    assert changed.training.tensorboard is True
    assert changed.model.attention == "dot"
    assert changed.corpus.dev == "val"
    assert changed.model.cell == ("gru", "lstm")
    assert changed.seed == 7
    assert DEFAULT.seed == 1


@pytest.mark.parametrize("text", ["2016", "2016-01-01", "true", "a=b", "train[:10%]", ""])
def test_a_key_that_takes_text_takes_any_text(text: str) -> None:
    assert override(DEFAULT, [f"corpus.test={text}"]).corpus.test == text


def test_the_later_of_two_overrides_counts() -> None:
    assert override(DEFAULT, ["seed=2", "seed=3"]).seed == 3


def test_overrides_mend_what_a_recipe_alone_gets_wrong(tmp_path: Path) -> None:
    file = write(tmp_path, "[model]\nhidden_size = 33\n")
    assert load_recipe(file, ["model.hidden_size=34"]).model.hidden_size == 34


@pytest.mark.parametrize(
    "settings",
    [
        ["corpus.source=en"],
        ["corpus.target=fr"],
        ["corpus.source=en", "corpus.target=fr"],
    ],
)
def test_the_direction_is_reversed_by_one_setting_with_the_columns(settings: list[str]) -> None:
    config = RunConfig(corpus=CorpusConfig(source_column="non_english", target_column="english"))
    reversed_ = override(config, settings)
    assert (reversed_.corpus.source, reversed_.corpus.target) == ("en", "fr")
    assert reversed_.corpus.source_column == "english"
    assert reversed_.corpus.target_column == "non_english"
    assert override(reversed_, settings) == reversed_


def test_another_language_does_not_reverse_anything() -> None:
    config = RunConfig(corpus=CorpusConfig(source_column="a", target_column="b"))
    corpus = override(config, ["corpus.source=de"]).corpus
    assert (corpus.source, corpus.target, corpus.source_column) == ("de", "en", "a")


def test_a_path_is_relative_to_its_recipe_and_an_overriding_one_to_where_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "recipe").mkdir()
    file = write(tmp_path / "recipe", '[corpus]\npath = "text"\n')
    monkeypatch.chdir(tmp_path)
    assert load_recipe(file).corpus.path == str(tmp_path / "recipe" / "text")
    assert load_recipe(file, ["corpus.path=mine"]).corpus.path == str(tmp_path / "mine")
    assert override(DEFAULT, ["corpus.path=mine"]).corpus.path == str(tmp_path / "mine")


def test_a_local_copy_takes_the_place_of_the_hub_and_the_hub_of_a_folder() -> None:
    on_hub = override(DEFAULT, ["corpus.hub=Helsinki-NLP/opus-100"])
    local = override(on_hub, ["corpus.path=/text"])
    assert (local.corpus.path, local.corpus.hub) == ("/text", "")
    again = override(local, ["corpus.hub=other/set"])
    assert (again.corpus.path, again.corpus.hub) == ("", "other/set")


def test_a_byte_order_mark_before_a_recipe_is_no_matter(tmp_path: Path) -> None:
    file = tmp_path / "recipe.toml"
    file.write_bytes(b"\xef\xbb\xbfseed = 5\n")
    assert load_recipe(file).seed == 5


def test_a_recipe_that_is_not_text_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"seed = \xff\n")
    with pytest.raises(ConfigError, match=r"binary\.toml: not a TOML file"):
        load_recipe(tmp_path / "binary.toml")
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read"):
        load_recipe(tmp_path / "none.toml")


def test_a_recipe_is_found_by_file_by_folder_and_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "corpora" / "mine"
    folder.mkdir(parents=True)
    file = write(folder, "seed = 5\n")
    for name in (str(file), str(folder), "mine"):
        assert find_recipe(name).resolve() == file
        assert recipe_name(find_recipe(name)) == "mine"
    shutil.copy(file, tmp_path / "quick.toml")
    assert recipe_name(find_recipe("quick.toml")) == "quick"


def test_a_recipe_that_came_with_nmt_is_found_anywhere_after_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_recipe("starter").is_file()
    own = tmp_path / "corpora" / "starter"
    own.mkdir(parents=True)
    file = write(own, "seed = 5\n")
    assert find_recipe("starter").resolve() == file


def test_a_missing_recipe_is_refused_with_the_ones_there_are() -> None:
    names = "multi30k, poems, starter, tatoeba, tatoeba-zh"
    with pytest.raises(ConfigError, match=rf"no recipe 'startre': .*{names}"):
        find_recipe("startre")


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.parent.name)
def test_every_shipped_recipe_loads(file: Path) -> None:
    wanted = "next" if file.parent.name == "poems" else "en"
    assert load_recipe(file).corpus.target == wanted


def test_there_are_shipped_recipes() -> None:
    assert [file.parent.name for file in SHIPPED] == [
        "multi30k",
        "poems",
        "starter",
        "tatoeba",
        "tatoeba-zh",
    ]


def test_changed_keys_are_named_in_full() -> None:
    changed = override(DEFAULT, ["seed=2", "model.dropout=0.5"])
    assert changed_keys(DEFAULT, changed) == ["seed", "model.dropout"]
    assert value_of(changed, "model.dropout") == 0.5


PHRASES = """
[corpus]
source = "fr"
target = "en"

[corpus.also.phrases]
path = "phrases"
weight = 3
source_column = "a"
target_column = "b"
"""


def test_a_further_corpus_has_a_place_of_its_own_and_the_languages_and_rules_of_the_corpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "recipe").mkdir()
    monkeypatch.chdir(tmp_path)
    file = write(tmp_path / "recipe", PHRASES)
    config = load_recipe(file, ["corpus.path=mine", "corpus.max_ratio=2", "corpus.train=all"])
    main, phrases = config.corpus.to_learn_from().values()
    assert main == config.corpus
    assert main.path == str(tmp_path / "mine")
    assert phrases.path == str(tmp_path / "recipe" / "phrases")
    assert (phrases.source, phrases.target, phrases.max_ratio) == ("fr", "en", 2.0)
    assert (phrases.train, phrases.weight, phrases.also) == ("train", 3.0, {})
    assert (main.train, main.weight) == ("all", 1.0)


def test_a_further_corpus_is_saved_and_read_back_equal(tmp_path: Path) -> None:
    config = load_recipe(write(tmp_path, PHRASES))
    assert load_recipe(write(tmp_path, to_toml(config))) == config


def test_further_corpora_are_changed_added_and_dropped_by_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = write(tmp_path, PHRASES)
    heavier = load_recipe(file, ["corpus.also.phrases.weight=0.5", "corpus.also.more.path=more"])
    assert heavier.corpus.also["phrases"].weight == 0.5
    assert heavier.corpus.also["more"].path == str(tmp_path / "more")
    on_hub = load_recipe(file, ["corpus.also.phrases.hub=a/b"]).corpus.also["phrases"]
    assert (on_hub.path, on_hub.hub) == ("", "a/b")
    for settings in (["corpus.also={}"], ["corpus.also={}", "corpus.source=en"]):
        assert load_recipe(file, settings).corpus.also == {}


def test_the_direction_is_reversed_in_further_corpora_too(tmp_path: Path) -> None:
    config = load_recipe(write(tmp_path, PHRASES), ["corpus.source=en"])
    phrases = config.corpus.to_learn_from()["corpus.also.phrases"]
    assert (phrases.source, phrases.target) == ("en", "fr")
    assert (phrases.source_column, phrases.target_column) == ("b", "a")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[corpus.also.x]\nwight = 1", "unknown key corpus.also.x.wight: did you mean corpus.also"
         ".x.weight?"),
        ("[corpus.also.x]\nweight = 0", "corpus.also.x.weight is 0: it must be greater than 0"),
        ("[corpus.also.x]\nweight = 'a'", "corpus.also.x.weight is 'a': it takes a number"),
        ("[corpus.also.x]\nformat = 'csv'", "corpus.also.x.format is 'csv': it takes auto, text"),
        ("[corpus.also]\nweight = 3", "corpus.also.weight is 3: it is a section, [corpus.also."
         "weight]"),
        ("[corpus]\nalso = []", "corpus.also is []: it takes sections with a name, {} for none"),
        ("[corpus]\nweight = -1", "corpus.weight is -1: it must be greater than 0"),
        ("[corpus.also.'a.b']\nweight = 3", "corpus.also.a.b: the name of a further corpus"),
        ("[corpus.also.x]\npath='a'\nhub='b'", "corpus.also.x.path and corpus.also.x.hub are both"),
        ("[corpus.also.x]\nhub_subset='b'", "corpus.also.x.hub_subset is set but corpus.also.x."
         "hub is not"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_further_corpus_is_said_with_its_full_key(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_recipe(write(tmp_path, text))
    assert message in str(caught.value)


def test_a_setting_of_a_further_corpus_is_refused_with_the_nearest_right_one() -> None:
    assert refusal("corpus.also.x.wieght=1") == (
        "unknown key corpus.also.x.wieght: did you mean corpus.also.x.weight?"
    )
    assert "corpus.also.x is a section: name one of its keys" in refusal("corpus.also.x=1")


def test_keys_of_further_corpora_are_among_those_that_changed(tmp_path: Path) -> None:
    one = load_recipe(write(tmp_path, PHRASES))
    other = override(one, ["corpus.also.phrases.weight=2"])
    assert changed_keys(one, other) == ["corpus.also.phrases.weight"]
    assert value_of(other, "corpus.also.phrases.weight") == 2.0
    without = override(one, ["corpus.also={}"])
    assert "corpus.also.phrases.weight" in changed_keys(without, one)
    assert value_of(without, "corpus.also.phrases.weight") is None


HOSTILE = {
    "brackets": ("a = " + "[" * 90_000, "not a TOML file: maximum recursion depth"),
    "dots": ("a" + ".a" * 40_000 + " = 1", "a line of it has more than 200 dots"),
    "a long key": ("k" * 90_000 + " = 1", "unknown key kkk"),
    "many keys": ("".join(f"k{i}=1\n" for i in range(8_000)), "and more"),
    "digits": ("seed = " + "9" * 5_000, "not a TOML file: Exceeds the limit"),
    "many digits": ("seed = " + "9" * 4_000, "9...: it must be less than 9223372036854775808"),
    "subwords": ("[tokenizer]\nvocabulary_size = 1000000000000", "less than or equal to 1000000"),
    "layers": ("[model]\nencoder_layers = 1000000", "it must be less than or equal to 100"),
    "too large": ("#" * 200_000_000, "too large: a recipe has at most 100,000 bytes"),
    "no dev set": ('[corpus]\ndev = ""', "corpus.dev is '': it must not be empty"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_recipe_is_refused_in_one_short_message_and_in_no_time(
    tmp_path: Path, name: str
) -> None:
    text, message = HOSTILE[name]
    (tmp_path / "recipe.toml").write_text(text)
    tracemalloc.start()
    started_s = time.process_time()
    with pytest.raises(ConfigError, match=re.escape(message)) as refused:
        load_recipe(tmp_path / "recipe.toml")
    assert time.process_time() - started_s < 5.0
    assert tracemalloc.get_traced_memory()[1] < 100_000_000
    tracemalloc.stop()
    assert len(str(refused.value)) < 5_000


def test_a_recipe_is_a_regular_file(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").symlink_to("/dev/zero")
    with pytest.raises(ConfigError, match="this is not a regular file"):
        load_recipe(tmp_path / "recipe.toml")


def test_the_keys_that_matter_most_come_first_and_a_word_finds_the_keys_about_it() -> None:
    listed = [key.name for key in keys_about()]
    assert listed[:3] == ["corpus.path", "corpus.source", "corpus.target"]
    assert sorted(listed) == sorted(key.name for key in keys())
    about = keys_about("Dropout")
    assert about[0].name == "model.dropout"
    assert {key.name for key in about} >= {"training.r_drop", "tokenizer.sampling"}
    with pytest.raises(ConfigError, match="no key is about 'nothing like it'"):
        keys_about("nothing like it")
