"""Writes train.zh and train.en beside itself: numbers, times, places, names, greetings, words.

    python corpora/tatoeba-zh/phrases/generate.py

What Tatoeba's sentences lack, written for nmt. The same bytes every time.
"""

import random
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
LISTS = (HERE / "lists.txt").read_text("utf-8")
DIGITS = "零一二三四五六七八九"


def read(name: str) -> list[str]:
    """The lines of a list of ``lists.txt``, which stand below its name in brackets."""
    return LISTS.split(f"[{name}]\n")[1].split("\n\n")[0].splitlines()


ONES, TENS, MONTHS, SYLLABLES = (line.split() for line in read("of numbers and names"))


def chinese(number: int) -> str:
    """A number below a hundred million as Chinese says it."""
    if number >= 10_000:
        above, rest = divmod(number, 10_000)
        joint = "零" if 0 < rest < 1000 else ""
        return chinese(above) + "万" + (joint + chinese(rest) if rest else "")
    text, skipped = "", False
    for size, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, size)
        if digit:
            text += "零" * (skipped and bool(text)) + DIGITS[digit] + name
            skipped = False
        else:
            skipped = True
    return text.removeprefix("一") if text.startswith("一十") else text or DIGITS[0]


def english(number: int) -> str:
    """The same as English says it."""
    for size, name in ((1_000_000, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= size:
            above, rest = divmod(number, size)
            return f"{english(above)} {name}" + (f" {english(rest)}" if rest else "")
    if number < 20:
        return ONES[number]
    return TENS[number // 10] + (f"-{ONES[number % 10]}" if number % 10 else "")


def measured(draw: random.Random) -> Iterator[tuple[str, str]]:
    """Numbers by themselves and in sentences, in words and in digits."""
    frames = [line.split("|") for line in read("numbers")]
    sizes = (10, 20, 100, 100, 1000, 10_000, 1_000_000, 50_000_000)
    numbers = [*range(2, 101), *(draw.randrange(2, size) for size in sizes for _ in range(220))]
    for number in numbers:
        if number > 1000 and draw.random() < 0.7:
            number = round(number, 1 - len(str(number)))  # such as 12 million
        spelt = chinese(number), english(number)
        figures = str(number), f"{number:,}" if draw.random() < 0.3 else str(number)
        yield spelt
        spelt = "两" if number == 2 else spelt[0], spelt[1]
        limit = 120 if number <= 120 else 10**9
        zh, en, _ = draw.choice([frame for frame in frames if int(frame[2]) >= min(number, limit)])
        forms = spelt if draw.random() < 0.6 else figures
        if forms is figures and draw.random() < 0.3:
            forms = spelt[0], figures[1]
        yield zh.replace("N", forms[0]), sentence(en.replace("N", forms[1]))


def times(draw: random.Random) -> Iterator[tuple[str, str]]:
    """Hours, days and years."""
    parts = (("上午", "in the morning"), ("下午", "in the afternoon"), ("晚上", "in the evening"))
    frames = [line.split("|") for line in read("times")]
    for hour in range(1, 13):
        word = "两" if hour == 2 else chinese(hour)
        following = english(hour % 12 + 1)
        clock = [
            (f"{word}点", f"{english(hour)} o'clock"),
            (f"{word}点半", f"half past {english(hour)}"),
            (f"{word}点一刻", f"a quarter past {english(hour)}"),
            (f"{word}点四十五分", f"a quarter to {following}"),
            (f"{hour}点半", f"{hour}:30"),
            (f"{word}点十分", f"ten past {english(hour)}"),
        ]
        for zh, en in clock:
            yield f"现在{zh}。", f"It's {en}."
            part, of_day = draw.choice(parts)
            before, after = draw.choice(frames)
            yield before.replace("T", part + zh), after.replace("T", f"{en} {of_day}")
    for _ in range(250):
        year, month, day = draw.randrange(1900, 2040), draw.randrange(12), draw.randrange(1, 29)
        frame = draw.choice([line.split("|") for line in read("dates")])
        spoken = "".join(DIGITS[int(digit)] for digit in str(year))
        written = spoken if draw.random() < 0.3 else str(year)
        yield frame[0].replace("Y", written), frame[1].replace("Y", str(year))
        number = chinese if draw.random() < 0.5 else str
        yield f"{number(month + 1)}月{number(day)}日", f"{MONTHS[month]} {day}"
        yield (
            f"今天是{number(month + 1)}月{number(day)}日。",
            f"Today is {MONTHS[month]} {day}.",
        )


def strangers(draw: random.Random) -> Iterator[tuple[str, str]]:
    """Latin words and long numbers within Chinese, which are copied."""
    frames = [line.split("|") for line in read("latin")]
    known = read("brands")
    for _ in range(1800):
        word = draw.choice(known)
        if draw.random() < 0.6:
            word = "".join(draw.choice(SYLLABLES) for _ in range(draw.randint(2, 3)))
            word = word.upper()[:4] if draw.random() < 0.15 else word.capitalize()
        if draw.random() < 0.2:
            word = f"{word} {draw.randrange(2, 100)}"
        zh, en = draw.choice(frames)
        yield zh.replace("X", word), en.replace("X", word)
    for _ in range(250):
        number = "".join(draw.choices("0123456789", k=draw.randint(4, 11)))
        zh, en = draw.choice([line.split("|") for line in read("codes")])
        yield zh.replace("N", number), en.replace("N", number)


def places(draw: random.Random) -> Iterator[tuple[str, str]]:
    """Cities and countries."""
    frames = [line.split("|") for line in read("places")]
    for line in read("cities"):
        zh, en = line.split("|")
        yield zh, en
        for before, after in draw.sample(frames, 6):
            yield before.replace("P", zh), after.replace("P", en)


def fixed() -> Iterator[tuple[str, str]]:
    """Greetings and words as they are; a phrase without its last mark too."""
    for name in ("greetings", "words"):
        for line in read(name):
            zh, en = line.split("|")
            yield zh, en
            if en[-1] in ".!":
                yield zh[:-1], en[:-1]


def sentence(text: str) -> str:
    """A text with a capital at the start."""
    return text[:1].upper() + text[1:]


def main() -> None:
    draw = random.Random(1)
    pairs = [*fixed(), *measured(draw), *times(draw), *strangers(draw), *places(draw)]
    pairs = list(dict.fromkeys(pairs))
    for side, name in enumerate(("zh", "en")):
        text = "".join(f"{pair[side]}\n" for pair in pairs)
        (HERE / f"train.{name}").write_bytes(text.encode())


if __name__ == "__main__":
    main()
