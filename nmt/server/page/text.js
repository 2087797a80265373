// Texts: their sentences, and places in them. The server counts code points, a browser UTF-16 units.

// Where a sentence ends, as nmt/splitting.py has it: what is sent is one sentence to the server too,
// so that a prefix is a prefix of that sentence. A new line ends one as well.
const TITLES = /(?<!(?<![\p{L}\p{N}_])(?:M|MM|Mr|Mrs|Ms|Dr|St|Mme|Mlle)\.)/u;
const ENDS =
  /(?<=[.!?…])(?:\s?["'»”’)\]])*\s+(?![\sa-zà-öø-ÿ»])|(?<=[。！？])|\s*\n\s*/u;
const BOUNDARY = new RegExp(TITLES.source + ENDS.source, "gu");
// What may stand within a word, as in nmt/next_words.py.
const JOINERS = "'-’";

/**
 * The sentences of a text, none of them empty or with spaces around it.
 * @returns {{text: string, start: number, gap: string}[]} Where each begins, in UTF-16 units, and
 *   the spaces before it.
 */
export function sentencesOf(text) {
  const ends = [...text.matchAll(BOUNDARY)].map((match) => match.index + match[0].length);
  const found = [];
  let begin = 0;
  let last = 0;
  for (const end of [...ends, text.length]) {
    const piece = text.slice(begin, end);
    const sentence = piece.trim();
    if (sentence) {
      const start = begin + piece.indexOf(sentence);
      found.push({ text: sentence, start, gap: text.slice(last, start) });
      last = start + sentence.length;
    }
    begin = end;
  }
  return found;
}

/** How many characters a text has for the server. */
export function codePoints(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/**
 * Texts in groups of a few, each of which has not too many characters unless it is a single text.
 */
export function inGroups(texts, mostTexts, mostCharacters) {
  const groups = [];
  let room = 0;
  for (const text of texts) {
    const size = codePoints(text);
    if (!groups.length || groups.at(-1).length === mostTexts || size > room) {
      groups.push([]);
      room = mostCharacters;
    }
    groups.at(-1).push(text);
    room -= size;
  }
  return groups;
}

/** Where each code point of a text begins in UTF-16 units, and where the text ends. */
function codePointStarts(text) {
  const starts = [];
  let at = 0;
  for (const character of text) {
    starts.push(at);
    at += character.length;
  }
  starts.push(at);
  return starts;
}

/**
 * The words of one hypothesis and of its source, with what they looked at.
 * @param {string} source The sentence.
 * @param {object[]} sourceUnits Its units as the server gives them: text, start, end.
 * @param {object} hypothesis Its text and words, each with weights over the units or null.
 * @returns {{source: object[], target: object[]}} Places in UTF-16 units; the weights of a target
 *   word are over the source words, null without attention.
 */
export function wordsOf(source, sourceUnits, hypothesis) {
  // The apostrophe of l'homme goes with l, so that "the" and "man" can be told apart;
  const inSource = join(inUtf16(source, sourceUnits), (before, unit) =>
    [...unit.text].every((character) => JOINERS.includes(character)));
  // in the translation I'm is one word, for as such it is chosen.
  const inTarget = join(inUtf16(hypothesis.text, hypothesis.words), (before, unit) =>
    JOINERS.includes(unit.text[0]) || JOINERS.includes(before.text.at(-1)));
  return {
    source: inSource,
    target: inTarget.map((word) => ({
      ...word,
      weights: word.units.some((unit) => !unit.source) ? null : inSource.map((seen) =>
        mean(word.units.map((unit) => sum(seen.units.map(({ number }) => unit.source[number]))))),
    })),
  };
}

function inUtf16(text, units) {
  const starts = codePointStarts(text);
  const places = units.map((unit, number) => {
    const start = starts[unit.start];
    const end = starts[unit.end];
    return { text: text.slice(start, end), start, end, units: [{ ...unit, number }] };
  });
  // A character that the model does not know is spelt in no place.
  return places.filter(({ start, end }) => start < end);
}

function join(units, belongTogether) {
  const words = [];
  for (const unit of units) {
    const before = words.at(-1);
    if (before && before.end === unit.start && belongTogether(before, unit)) {
      before.text += unit.text;
      before.end = unit.end;
      before.units.push(...unit.units);
    } else {
      words.push(unit);
    }
  }
  return words;
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + (number ?? 0), 0);
}

function mean(numbers) {
  return sum(numbers) / numbers.length;
}

const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Myanmar}\p{Script=Khmer}]/u;
const PUNCTUATION = /^[\p{P}\p{S}]/u;

/**
 * A translation so far with a next word.
 *
 * What comes before is as the translation has it up to the word that is replaced. With a space at
 * its end every next word is a new one. Without, the server's word may be punctuation, may go on
 * with the last word (it is then shown whole), or may be a word of its own.
 */
export function withNextWord(before, word) {
  if (!before || /\s$/u.test(before)) return before + word;
  const last = before.match(/\S+$/u)[0];
  if (word.length > last.length && word.startsWith(last)) {
    return before.slice(0, before.length - last.length) + word;
  }
  const isAttached = PUNCTUATION.test(word) || UNSPACED.test(word[0]) && UNSPACED.test(last.at(-1));
  return before + (isAttached ? "" : " ") + word;
}

/** Whether a text goes on after a prefix with something other than the rest of its last word. */
export function endsWordAt(text, prefix) {
  return text.startsWith(prefix) && !/^[\p{L}\p{M}\p{N}'’-]/u.test(text.slice(prefix.length));
}

/** A share as people write it: 34%, and below 1% with one digit more. */
export function percent(share) {
  if (share >= 0.01) return `${Math.round(share * 100)}%`;
  return share >= 0.001 ? `${(share * 100).toFixed(1)}%` : "< 0.1%";
}
