"""The starter corpus: reproducible, large enough, well split, and right in both languages."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

pytestmark = pytest.mark.slow

STARTER = Path(__file__).resolve().parents[2] / "corpora" / "starter"
FILES = tuple(f"{split}.{side}" for split in ("train", "dev", "test") for side in ("fr", "en"))
MODULES = (
    *("lexicon", "meaning", "conjugation_french", "conjugation_english"),
    *("grammar_french", "grammar_english", "world", "actions", "scenes", "questions"),
    *("stories", "generate"),
)


@pytest.fixture(scope="module")
def starter() -> Iterator[SimpleNamespace]:
    """The generator's modules, which are scripts beside their data and no installed package."""
    sys.path.insert(0, str(STARTER))
    before = {name: sys.modules.pop(name, None) for name in MODULES}
    try:
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
    finally:
        sys.path.remove(str(STARTER))
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


@pytest.fixture(scope="module")
def corpus() -> dict[str, list[str]]:
    """The committed lines of each file."""
    return {name: (STARTER / name).read_text(encoding="utf-8").splitlines() for name in FILES}


def bare(sentence: str) -> str:
    """A sentence without case and final punctuation, worked out apart from the generator's."""
    return sentence.lower().rstrip(" .?!")


def forms(sentence: str) -> set[str]:
    """The word forms of a sentence, elided ones apart from what follows."""
    return set(re.findall(r"\w+'?", sentence))


def test_the_generator_writes_the_committed_files_whatever_the_hash_seed(tmp_path: Path) -> None:
    command = [sys.executable, "-B", str(STARTER / "generate.py"), "--output", str(tmp_path)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "4242"})
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (STARTER / name).read_bytes(), name


def test_check_fails_when_a_committed_file_differs(
    starter: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starter.generate, "build", lambda: {"train.fr": "Bonjour.\n"})
    assert starter.generate.main(["--output", str(tmp_path)]) == 0
    assert starter.generate.main(["--output", str(tmp_path), "--check"]) == 0
    (tmp_path / "train.fr").write_text("Bonsoir.\n", encoding="utf-8")
    assert starter.generate.main(["--output", str(tmp_path), "--check"]) == 1


def test_the_corpus_is_large_enough_and_each_file_small_enough(
    corpus: dict[str, list[str]],
) -> None:
    for split, least in (("train", 20_000), ("dev", 800), ("test", 800)):
        assert len(corpus[f"{split}.fr"]) == len(corpus[f"{split}.en"]) >= least
    assert max((STARTER / name).stat().st_size for name in FILES) < 1_900_000


def test_every_line_is_one_trimmed_sentence_with_straight_typography() -> None:
    for name in FILES:
        text = (STARTER / name).read_bytes().decode("utf-8")
        assert text.endswith("\n") and "\r" not in text and "\t" not in text
        for line in text.split("\n")[:-1]:
            assert line and line == line.strip() and "  " not in line, (name, line)
            assert not set(line) & set("\u2018\u2019\u201c\u201d\u00a0\u202f"), (name, line)
            if name.endswith("fr"):
                assert not re.search(r"\S[?!]", line), (name, line)
            else:
                assert not re.search(r"\s[?!.,]", line), (name, line)


def test_the_phrases_are_written_by_hand_and_all_in_train(corpus: dict[str, list[str]]) -> None:
    lines = (STARTER / "phrases.tsv").read_text(encoding="utf-8").splitlines()
    phrases = [tuple(line.split("\t")) for line in lines]
    assert len(set(phrases)) == len(phrases) >= 500
    train = zip(corpus["train.fr"], corpus["train.en"], strict=True)
    learnt = {(bare(french), bare(english)) for french, english in train}
    assert {(bare(french), bare(english)) for french, english in phrases} <= learnt


def test_the_lexicon_links_at_least_500_words_that_train_uses(
    starter: SimpleNamespace, corpus: dict[str, list[str]]
) -> None:
    links = starter.lexicon.linked_words()
    assert len(links) >= 650
    texts = {side: f" {' '.join(corpus[f'train.{side}']).lower()} " for side in ("fr", "en")}
    seen = {side: set(re.findall(r"\w+", text)) for side, text in texts.items()}
    used = [
        (french, english)
        for french, english in links
        if set(re.findall(r"\w+", french.lower())) <= seen["fr"]
        and set(re.findall(r"\w+", english.lower())) <= seen["en"]
    ]
    assert len(used) >= 650


@pytest.mark.parametrize("side", ["fr", "en"])
def test_no_sentence_is_in_two_splits(corpus: dict[str, list[str]], side: str) -> None:
    train, dev, test = (
        {bare(line) for line in corpus[f"{split}.{side}"]} for split in ("train", "dev", "test")
    )
    assert not train & dev
    assert not train & test
    assert not dev & test
    assert len(dev) == len(test) == 800


def test_the_famous_sentence_is_held_out_but_can_be_composed(corpus: dict[str, list[str]]) -> None:
    lines = [line.lower() for name in FILES for line in corpus[name]]
    assert not [line for line in lines if "je suis étudiant" in line]
    assert not [line for line in lines if re.search(r"\bi am a student\b", line)]
    train = {bare(line) for line in corpus["train.fr"]}
    assert {"tu es étudiant", "il est étudiant", "elle est étudiante"} <= train
    assert {"je suis médecin", "je suis avocat", "je suis professeur"} <= train
    assert {"Je suis médecin.", "Tu es étudiant."} <= set(corpus["train.fr"])
    ends = Counter(line.endswith(".") for line in corpus["train.fr"] if line.startswith("Je suis"))
    assert min(ends.values()) > 20


@pytest.mark.parametrize("side", ["fr", "en"])
def test_every_word_form_of_dev_and_test_is_in_train(
    corpus: dict[str, list[str]], side: str
) -> None:
    known = {form for line in corpus[f"train.{side}"] for form in forms(line)}
    for split in ("dev", "test"):
        unknown = {form for line in corpus[f"{split}.{side}"] for form in forms(line)} - known
        assert not unknown


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_lengths_spread_from_two_words_to_thirty(corpus: dict[str, list[str]], split: str) -> None:
    lengths = [len(re.findall(r"[^\s?!]+", line)) for line in corpus[f"{split}.fr"]]
    shares = (((1, 5), 0.25), ((6, 9), 0.30), ((10, 15), 0.25), ((16, 22), 0.15), ((23, 32), 0.05))
    for (shortest, longest), share in shares:
        found = sum(shortest <= length <= longest for length in lengths) / len(lengths)
        assert found == pytest.approx(share, abs=0.01), (shortest, longest)
    assert max(lengths) >= 26


def test_the_same_french_is_never_translated_in_two_ways(corpus: dict[str, list[str]]) -> None:
    translations: dict[tuple[str, bool], set[str]] = {}
    for split in ("train", "dev", "test"):
        for french, english in zip(corpus[f"{split}.fr"], corpus[f"{split}.en"], strict=True):
            key = (bare(french), french.endswith("?"))
            translations.setdefault(key, set()).add(bare(english))
    assert not {key: found for key, found in translations.items() if len(found) > 1}


def test_some_pairs_end_without_punctuation_and_always_on_both_sides(
    corpus: dict[str, list[str]],
) -> None:
    pairs = list(zip(corpus["train.fr"], corpus["train.en"], strict=True))
    ends = [(french[-1] in ".?!,", english[-1] in ".?!,") for french, english in pairs]
    assert all(french == english for french, english in ends)
    unpunctuated = [pair for pair, end in zip(pairs, ends, strict=True) if not end[0]]
    assert 0.06 < len(unpunctuated) / len(pairs) < 0.12
    assert sum(french[0].islower() for french, _ in unpunctuated) > 500


def examples(starter: SimpleNamespace) -> list[tuple[object, str, str]]:
    """Meanings, and what a French and an English speaker say: written by hand."""
    return [
        *examples_of_noun_phrases(starter.meaning, starter.lexicon),
        *examples_of_negation(starter.meaning, starter.lexicon),
        *examples_of_tenses(starter.meaning, starter.lexicon),
        *examples_of_questions(starter.meaning, starter.lexicon),
        *examples_of_sentences(starter.meaning, starter.lexicon),
    ]


def the(m: SimpleNamespace, lexicon: SimpleNamespace, noun: str, **more: object) -> object:
    """A definite noun phrase, unless `more` says otherwise."""
    determiner = more.pop("determiner", m.Determiner.DEFINITE)
    return m.NounPhrase(lexicon.noun(noun), determiner, **more)


def named(m: SimpleNamespace, lexicon: SimpleNamespace, name: str) -> object:
    """Somebody called by this first name."""
    return m.Named((next(item for item in lexicon.names() if item.name == name),))


def examples_of_noun_phrases(
    m: SimpleNamespace, lexicon: SimpleNamespace
) -> list[tuple[object, str, str]]:
    """Agreement, articles, possessives, elision and contraction."""
    verb, det, phrase = lexicon.verb, m.Determiner, m.VerbPhrase
    red = (lexicon.adjective("rouge"),)
    apple = the(m, lexicon, "pomme", determiner=det.INDEFINITE, adjectives=red)
    pretty = (lexicon.adjective("joli"),)
    flowers = the(m, lexicon, "fleur", determiner=det.INDEFINITE, plural=True, adjectives=pretty)
    fine = (lexicon.adjective("beau"),)
    tree = the(m, lexicon, "arbre", determiner=det.INDEFINITE, adjectives=fine)
    friend = the(m, lexicon, "amie", determiner=det.POSSESSIVE, owner=m.JE)
    marie, paul = named(m, lexicon, "Marie"), named(m, lexicon, "Paul")
    brother = the(m, lexicon, "frère", determiner=det.POSSESSIVE, owner=m.pronoun_for(marie))
    wife = the(m, lexicon, "femme", determiner=det.POSSESSIVE, owner=m.pronoun_for(paul))
    car = the(m, lexicon, "voiture", possessor=paul)
    summer = the(m, lexicon, "été", determiner=det.GENERIC)
    lions = the(m, lexicon, "lion", determiner=det.GENERIC, plural=True)
    fast = m.Attribute(lexicon.adjective("rapide"))
    be, garden = verb("être", "be"), m.At(lexicon.place("jardin"))
    eat, go = verb("manger", "eat"), verb("aller", "go")
    hospital = (m.To(lexicon.place("hôpital")), lexicon.Adverbial("hier", "yesterday", "past"))
    old = lexicon.adjective("vieux")
    old_hotel = m.NounPhrase(lexicon.place("hôtel").noun, det.DEMONSTRATIVE, adjectives=(old,))
    mean = m.Clause
    return [
        (
            mean(m.ELLE, phrase(eat, (apple,))),
            "Elle mange une pomme rouge.",
            "She is eating a red apple.",
        ),
        (
            m.Existence(flowers, garden),
            "Il y a de jolies fleurs dans le jardin.",
            "There are some pretty flowers in the garden.",
        ),
        (mean(m.THIS, phrase(be, (tree,))), "C'est un bel arbre.", "This is a beautiful tree."),
        (mean(m.THIS, phrase(be, (friend,))), "C'est mon amie.", "This is my friend."),
        (
            mean(old_hotel, phrase(be, (m.Attribute(lexicon.adjective("fermé")),))),
            "Ce vieil hôtel est fermé.",
            "This old hotel is closed.",
        ),
        (
            mean(marie, phrase(verb("aimer", "love"), (brother,))),
            "Marie aime son frère.",
            "Marie loves her brother.",
        ),
        (
            mean(paul, phrase(verb("aimer", "love"), (wife,))),
            "Paul aime sa femme.",
            "Paul loves his wife.",
        ),
        (mean(car, phrase(be, (fast,))), "La voiture de Paul est rapide.", "Paul's car is fast."),
        (mean(m.JE, phrase(verb("aimer", "like"), (summer,))), "J'aime l'été.", "I like summer."),
        (
            mean(m.ELLE, phrase(verb("avoir peur", "be afraid of"), (lions,))),
            "Elle a peur des lions.",
            "She is afraid of lions.",
        ),
        (
            mean(m.JE, phrase(go, (m.To(lexicon.place("marché")),))),
            "Je vais au marché.",
            "I am going to the market.",
        ),
        (
            mean(m.ELLES, phrase(go, hospital), m.Tense.PAST),
            "Elles sont allées à l'hôpital hier.",
            "They went to the hospital yesterday.",
        ),
    ]


def examples_of_negation(
    m: SimpleNamespace, lexicon: SimpleNamespace
) -> list[tuple[object, str, str]]:
    """Pas, jamais, plus, rien, personne, and what they make of articles."""
    verb, det, phrase, no = lexicon.verb, m.Determiner, m.VerbPhrase, m.Polarity
    car = the(m, lexicon, "voiture", determiner=det.INDEFINITE)
    bread = the(m, lexicon, "pain", determiner=det.PARTITIVE)
    eat = verb("manger", "eat")
    mean, present, past = m.Clause, m.Tense.PRESENT, m.Tense.PAST
    return [
        (
            mean(m.NOUS, phrase(verb("avoir", "have"), (car,)), present, no.NOT),
            "Nous n'avons pas de voiture.",
            "We do not have a car.",
        ),
        (
            mean(m.IL, phrase(eat, (bread,)), present, no.NOT),
            "Il ne mange pas de pain.",
            "He is not eating any bread.",
        ),
        (
            mean(m.ELLE, phrase(verb("se lever", "get up")), past, no.NOT),
            "Elle ne s'est pas levée.",
            "She did not get up.",
        ),
        (mean(m.IL, phrase(eat), past, no.NOTHING), "Il n'a rien mangé.", "He ate nothing."),
        (
            mean(m.JE, phrase(verb("parler", "talk to")), present, no.NOBODY),
            "Je ne parle à personne.",
            "I am talking to nobody.",
        ),
        (
            mean(m.NOBODY, phrase(verb("dormir", "sleep"))),
            "Personne ne dort.",
            "Nobody is sleeping.",
        ),
        (
            mean(m.ELLE, phrase(verb("travailler", "work")), present, no.NO_LONGER, True),
            "Elle ne travaille plus.",
            "She no longer works.",
        ),
        (
            mean(m.VOUS, phrase(verb("fumer", "smoke")), present, no.NEVER, True),
            "Vous ne fumez jamais.",
            "You never smoke.",
        ),
        (
            m.Command(m.VOUS, phrase(verb("se lever", "get up")), True),
            "Ne vous levez pas.",
            "Do not get up.",
        ),
        (
            mean(
                m.JE,
                phrase(verb("pouvoir", "can"), (m.Infinitive(phrase(verb("venir", "come"))),)),
                present,
                no.NOT,
            ),
            "Je ne peux pas venir.",
            "I cannot come.",
        ),
    ]


def examples_of_tenses(
    m: SimpleNamespace, lexicon: SimpleNamespace
) -> list[tuple[object, str, str]]:
    """Every tense, and the agreement of participles."""
    verb, det, phrase, tense = lexicon.verb, m.Determiner, m.VerbPhrase, m.Tense
    letter, work = the(m, lexicon, "lettre"), verb("travailler", "work")
    eat, mean = verb("manger", "eat"), m.Clause
    it = m.Clitic(m.IT_F)
    two_years = lexicon.Adverbial("depuis deux ans", "for two years", "lasting")
    rome = next(item for item in lexicon.destinations() if item.french == "Rome")
    lived = phrase(verb("habiter", "live"), (m.At(rome), two_years))
    books = m.Quantity("trois", "three", "three", False)
    three = the(m, lexicon, "livre", determiner=det.INDEFINITE, plural=True, quantity=books)
    give = phrase(verb("donner", "give"), (three,), m.Clitic(m.NOUS, True))
    bought = mean(named(m, lexicon, "Marie"), phrase(verb("acheter", "buy")), tense.PAST)
    dress = the(m, lexicon, "robe", relative=m.Relative(m.Gap.OBJECT, bought))
    dear = m.Attribute(lexicon.adjective("cher"))
    return [
        (
            mean(dress, phrase(verb("être", "be"), (dear,))),
            "La robe que Marie a achetée est chère.",
            "The dress that Marie bought is expensive.",
        ),
        (mean(m.NOUS, phrase(eat, (), it), tense.PAST), "Nous l'avons mangée.", "We ate it."),
        (
            mean(m.JE, phrase(verb("finir", "finish"), (letter,)), tense.RECENT_PAST),
            "Je viens de finir la lettre.",
            "I have just finished the letter.",
        ),
        (mean(m.TU, phrase(eat), tense.UNDERWAY), "Tu es en train de manger.", "You are eating."),
        (
            mean(m.NOUS, lived, tense.LASTING),
            "Nous habitons à Rome depuis deux ans.",
            "We have lived in Rome for two years.",
        ),
        (
            mean(m.IL, give, tense.NEAR_FUTURE),
            "Il va nous donner trois livres.",
            "He is going to give us three books.",
        ),
        (
            mean(m.ELLE, phrase(verb("venir", "come")), tense.FUTURE),
            "Elle viendra.",
            "She will come.",
        ),
        (mean(m.ILS, phrase(work), tense.IMPERFECT), "Ils travaillaient.", "They worked."),
        (mean(m.NOUS, phrase(eat), tense.IMPERFECT), "Nous mangions.", "We were eating."),
        (mean(m.ON, phrase(verb("jouer", "play")), tense.PRESENT), "On joue.", "We are playing."),
    ]


def examples_of_questions(
    m: SimpleNamespace, lexicon: SimpleNamespace
) -> list[tuple[object, str, str]]:
    """The three ways to ask, and the question words."""
    verb, det, phrase, style = lexicon.verb, m.Determiner, m.VerbPhrase, m.Style
    mean, word, be = m.Clause, lexicon.Adverbial, verb("être", "be")
    where, what = word("où", "where", "question"), word("que", "what", "question")
    dog = the(m, lexicon, "chien", determiner=det.INDEFINITE)
    french = the(m, lexicon, "français", determiner=det.BARE)
    how_many = m.Quantity("combien", "how much", "how many", True)
    books = the(m, lexicon, "livre", determiner=det.INDEFINITE, plural=True, quantity=how_many)
    has_dog = mean(m.IL, phrase(verb("avoir", "have"), (dog,)))
    ill = mean(named(m, lexicon, "Marie"), phrase(be, (m.Attribute(lexicon.adjective("malade")),)))
    speaks = mean(m.TU, phrase(verb("parler", "speak"), (french,)))
    reads = mean(m.TU, phrase(verb("lire", "read")), m.Tense.PAST)
    opens = phrase(verb("ouvrir", "open"), (the(m, lexicon, "porte"),))
    drinks = mean(m.ILS, phrase(verb("boire", "drink")))
    lives = mean(m.TU, phrase(verb("habiter", "live")))
    station = mean(the(m, lexicon, "gare"), phrase(be))
    return [
        (m.OpenQuestion(where, lives, style.INVERSION), "Où habites-tu ?", "Where do you live?"),
        (
            m.OpenQuestion(where, station, style.INVERSION),
            "Où est la gare ?",
            "Where is the station?",
        ),
        (m.YesNoQuestion(has_dog, style.INVERSION), "A-t-il un chien ?", "Does he have a dog?"),
        (m.YesNoQuestion(ill, style.INVERSION), "Marie est-elle malade ?", "Is Marie ill?"),
        (m.YesNoQuestion(ill, style.INTONATION), "Marie est malade ?", "Is Marie ill?"),
        (
            m.YesNoQuestion(speaks, style.EST_CE_QUE),
            "Est-ce que tu parles français ?",
            "Do you speak French?",
        ),
        (
            m.OpenQuestion(what, drinks, style.EST_CE_QUE),
            "Qu'est-ce qu'ils boivent ?",
            "What are they drinking?",
        ),
        (
            m.OpenQuestion(books, reads, style.INVERSION),
            "Combien de livres as-tu lus ?",
            "How many books did you read?",
        ),
        (
            m.SubjectQuestion(mean(m.WHO, opens, m.Tense.PAST)),
            "Qui a ouvert la porte ?",
            "Who opened the door?",
        ),
        (
            m.YesNoQuestion(m.Existence(dog), style.INVERSION),
            "Y a-t-il un chien ?",
            "Is there a dog?",
        ),
    ]


def examples_of_sentences(
    m: SimpleNamespace, lexicon: SimpleNamespace
) -> list[tuple[object, str, str]]:
    """Professions, comparison, commands, and clauses that depend on others."""
    verb, det, phrase, tense = lexicon.verb, m.Determiner, m.VerbPhrase, m.Tense
    mean, be = m.Clause, verb("être", "be")
    nurse = m.Occupation((lexicon.noun("infirmier"), lexicon.noun("infirmière")))
    strong = m.Comparison(lexicon.adjective("fort"), "plus", m.JE)
    film, world = the(m, lexicon, "film"), lexicon.noun("monde")
    funny = m.Superlative(lexicon.adjective("drôle"), film, world)
    good = m.Superlative(lexicon.adjective("bon"), film, world)
    cheese = the(m, lexicon, "fromage", determiner=det.PARTITIVE)
    money = the(m, lexicon, "argent", determiner=det.PARTITIVE)
    house = the(m, lexicon, "maison", determiner=det.INDEFINITE)
    stay = mean(m.NOUS, phrase(verb("rester à la maison", "stay at home")), tense.FUTURE)
    rains = mean(m.IMPERSONAL, phrase(verb("pleuvoir", "rain")), is_habitual=True)
    rich = mean(m.JE, phrase(verb("avoir", "have"), (money,)), tense.IF_PAST)
    buys = mean(m.JE, phrase(verb("acheter", "buy"), (house,)), tense.CONDITIONAL)
    young = phrase(be, (m.Attribute(lexicon.adjective("jeune")),))
    evening = lexicon.Adverbial("le soir", "in the evening", "habit")
    plays = phrase(
        verb("jouer", "play", True), (the(m, lexicon, "football", determiner=det.GENERIC), evening)
    )
    played = mean(m.IL, plays, tense.IMPERFECT, is_habitual=True)
    always = lexicon.Adverbial("toujours", "always", "frequency")
    alice = next(item for item in lexicon.names() if item.name == "Alice")
    arrives = mean(m.ELLE, phrase(verb("arriver", "arrive")), tense.WHEN_FUTURE)
    sleeps = mean(m.ILS, phrase(verb("dormir", "sleep")), tense.FUTURE)
    hungry = mean(m.ELLE, phrase(verb("avoir faim", "be hungry"), adverb=always), is_habitual=True)
    cause = m.Joined(mean(m.ELLE, phrase(verb("manger", "eat"))), "parce que", "because", hungry)
    return [
        (mean(m.ELLES, phrase(be, (nurse,))), "Elles sont infirmières.", "They are nurses."),
        (mean(m.JE, phrase(be, (nurse,))), "Je suis infirmier.", "I am a nurse."),
        (mean(m.IL, phrase(be, (strong,))), "Il est plus fort que moi.", "He is stronger than me."),
        (
            mean(m.THIS, phrase(be, (funny,))),
            "C'est le film le plus drôle du monde.",
            "This is the funniest film in the world.",
        ),
        (
            mean(m.THIS, phrase(be, (good,))),
            "C'est le meilleur film du monde.",
            "This is the best film in the world.",
        ),
        (m.Command(m.TU, phrase(verb("se lever", "get up"))), "Lève-toi.", "Get up."),
        (
            m.Command(m.NOUS, phrase(verb("manger", "eat"), (cheese,))),
            "Mangeons du fromage.",
            "Let's eat some cheese.",
        ),
        (
            m.Fronted("si", "if", rains, stay),
            "S'il pleut, nous resterons à la maison.",
            "If it rains, we will stay at home.",
        ),
        (
            m.Fronted("si", "if", rich, buys),
            "Si j'avais de l'argent, j'achèterais une maison.",
            "If I had some money, I would buy a house.",
        ),
        (
            m.Fronted("quand", "when", mean(m.IL, young, tense.IMPERFECT), played),
            "Quand il était jeune, il jouait au football le soir.",
            "When he was young, he used to play football in the evening.",
        ),
        (
            m.Fronted("quand", "when", arrives, sleeps),
            "Quand elle arrivera, ils dormiront.",
            "When she arrives, they will sleep.",
        ),
        (
            cause,
            "Elle mange parce qu'elle a toujours faim.",
            "She is eating because she is always hungry.",
        ),
        (m.Introduction(m.JE, alice), "Je m'appelle Alice.", "My name is Alice."),
    ]


def test_each_meaning_is_said_as_french_and_english_speakers_say_it(
    starter: SimpleNamespace,
) -> None:
    table = examples(starter)
    assert len(table) >= 50
    for meaning, french, english in table:
        assert starter.grammar_french.realise(meaning) == french
        assert starter.grammar_english.realise(meaning) == english


@pytest.mark.parametrize(
    ("infinitive", "forms"),
    [
        ("acheter", "achète achètes achète achetons achetez achètent"),
        ("préférer", "préfère préfères préfère préférons préférez préfèrent"),
        ("commencer", "commence commences commence commençons commencez commencent"),
        ("ranger", "range ranges range rangeons rangez rangent"),
        ("nettoyer", "nettoie nettoies nettoie nettoyons nettoyez nettoient"),
        ("finir", "finis finis finit finissons finissez finissent"),
        ("attendre", "attends attends attend attendons attendez attendent"),
    ],
)
def test_regular_french_verbs_change_their_stem_where_they_must(
    starter: SimpleNamespace, infinitive: str, forms: str
) -> None:
    assert starter.conjugation_french.present(infinitive) == tuple(forms.split())


def test_stems_of_imparfait_future_and_imperative_follow_their_rules(
    starter: SimpleNamespace,
) -> None:
    french = starter.conjugation_french
    assert french.imperfect("manger")[2:4] == ("mangeait", "mangions")
    assert french.imperfect("commencer")[2:4] == ("commençait", "commencions")
    assert french.imperfect("être")[0] == "étais"
    assert french.future("acheter")[0] == "achèterai"
    assert french.future("répéter")[0] == "répéterai"
    assert french.conditional("vouloir")[0] == "voudrais"
    assert french.imperative("aller") == ("va", "allons", "allez")
    assert french.imperative("finir")[0] == "finis"


def test_english_spelling_rules_hold(starter: SimpleNamespace) -> None:
    english = starter.conjugation_english
    assert [english.third_person(word) for word in ("go", "watch", "study", "play", "have")] == (
        ["goes", "watches", "studies", "plays", "has"]
    )
    assert [english.present_participle(word) for word in ("run", "write", "see", "try")] == (
        ["running", "writing", "seeing", "trying"]
    )
    assert [english.past(word) for word in ("study", "arrive", "prefer", "go")] == (
        ["studied", "arrived", "preferred", "went"]
    )
    following = ("apple", "university", "useful book", "honest man", "hospital")
    assert [english.indefinite_article(word) for word in following] == ["an", "a", "a", "an", "a"]


def test_elision_stops_before_an_aspirated_h(starter: SimpleNamespace) -> None:
    join = starter.grammar_french.join
    assert join(["je", "aime", "le", "haricot"]) == "j'aime le haricot"
    assert join(["la", "histoire", "de", "Alice"]) == "l'histoire d'Alice"
    assert join(["ce", "est", "si", "il", "y", "a"]) == "c'est s'il y a"
    assert join(["il", "ne", "y", "a", "plus", "de", "yaourt"]) == "il n'y a plus de yaourt"
