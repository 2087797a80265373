// A text and its translation as they stand: sentence by sentence, with what was chosen by hand.

import * as api from "./api.js";
import { codePoints, endsWordAt, inGroups, sentencesOf, withNextWord, wordsOf } from "./text.js";

const PAUSE_MS = 150; // without typing, before the text is sent
const SENTENCES_PER_REQUEST = 8; // a long text appears part by part
const SENTENCES_KEPT = 500; // translations that going back in the text need not ask for again
const ALTERNATIVES = 4;

/**
 * One sentence.
 *
 * text: what is translated; start: where it is in the text; gap: the spaces before it.
 * translation: null until there is one, else {hypotheses, shown, chosen}: the hypotheses, the
 * number of the one shown, and where the last word that was chosen by hand begins, or null.
 * stale: what was shown in its place before, while there is nothing else.
 */
function makeSentence({ text, start, gap }) {
  return { text, start, gap, translation: null, stale: null };
}

/** Holds a text, keeps its translation up to date, and calls back with what has changed. */
export class Draft {
  /**
   * @param {{onChange: function, onSettled: function, onProblem: function}} listener
   *   `onChange` when there is something else to show, `onSettled` when nothing more will come,
   *   `onProblem` with a message, the seconds until the next try and a function that tries at once;
   *   or with null; `onDetected` with the languages that the text may be in, likeliest first, of
   *   which it returns one.
   */
  constructor(listener) {
    this.listener = listener;
    this.text = "";
    this.sentences = [];
    this.pair = null;
    this.source = null; // the language that the text is translated from, once that is known
    this.limit = Infinity; // characters of a text
    this.requestLimit = Infinity; // and of what is asked for at a time
    this.textsPerRequest = SENTENCES_PER_REQUEST;
    this.alternativesPerText = ALTERNATIVES;
    this.working = new AbortController();
    this.timer = 0;
    this.isWaiting = false;
    this.kept = new Map();
    this.choices = []; // {sentence, translation}: what was there before each choice
  }

  get length() {
    return codePoints(this.text);
  }

  get isTooLong() {
    return this.length > this.limit;
  }

  get canUndo() {
    return this.choices.length > 0;
  }

  /** The whole translation as text, as far as there is one. */
  get translated() {
    return this.sentences
      .map((sentence, number) => this.spaceBefore(number) + (shownText(sentence) ?? ""))
      .join("");
  }

  /** What goes between a sentence's translation and the one before: new lines stay. */
  spaceBefore(number) {
    const { gap } = this.sentences[number];
    if (gap.includes("\n")) return gap;
    const before = number && shownText(this.sentences[number - 1]);
    return number && !/[。！？]$/u.test(before ?? "") ? " " : "";
  }

  /** Take another text or pair of languages, and translate after a pause. */
  update(text, pair, pauseMs = PAUSE_MS) {
    const isOtherPair = pair?.source !== this.pair?.source || pair?.target !== this.pair?.target;
    this.stop();
    this.text = text;
    this.pair = pair;
    if (isOtherPair || !text.trim()) this.source = pair?.source === "auto" ? null : pair?.source;
    this.sentences = reconcile(this.sentences, sentencesOf(text), isOtherPair);
    this.choices = this.choices.filter(({ sentence }) => this.sentences.includes(sentence));
    this.recall();
    const isMissing = this.sentences.some((sentence) => !sentence.translation);
    this.isWaiting = isMissing && !this.isTooLong && Boolean(pair);
    this.listener.onProblem(null);
    this.listener.onChange();
    if (this.isWaiting) {
      this.timer = setTimeout(() => this.translate(), pauseMs);
    } else {
      this.listener.onSettled();
    }
  }

  /** Translate at once what waits for the end of typing. */
  hurry() {
    if (this.timer) this.translate();
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.working.abort();
    this.working = new AbortController();
  }

  async translate() {
    this.stop();
    const { signal } = this.working;
    await this.attempt(signal, async (how) => {
      if (this.pair.source === "auto") await this.detect(how);
      const missing = this.sentences.filter((sentence) => !sentence.translation);
      const texts = [...new Set(missing.map(({ text }) => text))];
      for (const part of inGroups(texts, this.textsPerRequest, this.requestLimit)) {
        const details = await api.translate(part, this.resolvedPair(), this.alternativesPerText, how);
        part.forEach((text, number) => this.keep(text, asTranslation(text, details[number])));
        this.recall();
        this.listener.onChange();
      }
    });
  }

  /** Find the language of the text. What was translated from another is not translated any more. */
  async detect(how) {
    const source = this.listener.onDetected(await api.detect(this.text, how));
    if (source === this.source) return;
    this.source = source;
    this.choices = [];
    for (const sentence of this.sentences) {
      sentence.stale = staleOf(sentence);
      sentence.translation = null;
    }
    this.recall();
  }

  /** Do some work with the server that is dropped when the text changes. */
  async attempt(signal, work) {
    const onWait = (problem, seconds, retry) =>
      this.listener.onProblem(problem && { text: problem, seconds, retry });
    this.isWaiting = true;
    this.listener.onChange();
    try {
      await work({ signal, onWait });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof api.Refusal)) throw error;
      this.listener.onProblem({ text: error.message });
    } finally {
      if (!signal.aborted) this.isWaiting = false;
    }
    if (signal.aborted) return;
    this.listener.onChange();
    this.listener.onSettled();
  }

  /** Show another of the hypotheses of a sentence. */
  choose(sentence, number) {
    this.replace(sentence, { ...sentence.translation, shown: number });
    this.listener.onSettled();
  }

  /** What could stand in the place of a word. */
  async alternatives(sentence, word, count, signal) {
    const before = shownText(sentence).slice(0, word.start);
    const pair = this.resolvedPair();
    return api.nextWords(sentence.text, before, pair, count, { signal });
  }

  /**
   * Put another word in the place of one, and have the rest translated again.
   * @param {string} other The word; empty to end the translation there.
   */
  async substitute(sentence, word, other) {
    const before = shownText(sentence).slice(0, word.start);
    this.stop();
    const { signal } = this.working;
    if (!other) {
      this.replace(sentence, cutAt(sentence.translation, word.start));
      return this.listener.onSettled();
    }
    const prefix = withNextWord(before, other);
    await this.attempt(signal, async (how) => {
      const pair = this.resolvedPair();
      const details = await api.translateFrom(
        sentence.text, prefix, pair, this.alternativesPerText, how);
      const translation = asTranslation(sentence.text, details);
      const shown = translation.hypotheses.findIndex(({ text }) => endsWordAt(text, prefix));
      const chosen = Math.max(0, prefix.length - other.length);
      this.replace(sentence, { ...translation, shown: Math.max(0, shown), chosen });
    });
    // Had other sentences been on their way, they are asked for again.
    if (!signal.aborted && this.sentences.some(({ translation }) => !translation)) this.translate();
  }

  /** Take the last choice back. Returns its sentence. */
  undo() {
    const { sentence, translation } = this.choices.pop();
    this.stop();
    sentence.translation = translation;
    this.update(this.text, this.pair, 0);
    return sentence;
  }

  replace(sentence, translation) {
    this.choices.push({ sentence, translation: sentence.translation });
    sentence.translation = translation;
    this.listener.onChange();
  }

  /** The pair with the language that was found in the place of "auto". */
  resolvedPair() {
    return { ...this.pair, source: this.source };
  }

  /** Give sentences without a translation the one that there was before. */
  recall() {
    for (const sentence of this.sentences) sentence.translation ??= this.remembered(sentence);
  }

  remembered(sentence) {
    return this.kept.get(this.keyOf(sentence.text)) ?? null;
  }

  keep(text, translation) {
    this.kept.set(this.keyOf(text), translation);
    while (this.kept.size > SENTENCES_KEPT) this.kept.delete(this.kept.keys().next().value);
  }

  keyOf(text) {
    return JSON.stringify([this.source, this.pair?.target, text]);
  }
}

/** What is shown for a sentence; null where there is nothing yet. */
export function shownText({ translation }) {
  return translation && translation.hypotheses[translation.shown].text;
}

/** The words of a sentence and of what is shown for it; null where there is nothing yet. */
export function shownWords({ translation }) {
  return translation && translation.hypotheses[translation.shown].words;
}

function asTranslation(text, { hypotheses, source }) {
  return {
    shown: 0,
    chosen: null,
    hypotheses: hypotheses.map((hypothesis) => ({
      text: hypothesis.text,
      probability: Math.exp(hypothesis.log_probability),
      words: wordsOf(text, source, hypothesis),
    })),
  };
}

/** A translation that ends at a place of the hypothesis shown. */
function cutAt({ hypotheses, shown }, end) {
  const { text, words, probability } = hypotheses[shown];
  const target = words.target.filter((word) => word.end <= end);
  const cut = { text: text.slice(0, end).trimEnd(), probability, words: { ...words, target } };
  return { hypotheses: [cut], shown: 0, chosen: null };
}

/**
 * The sentences of a text that was another before: what is the same from the start or from the end
 * is kept with its translation, and between them the old ones are shown until there are new ones.
 */
function reconcile(old, found, isOtherPair) {
  if (isOtherPair) {
    return found.map((each, i) => ({ ...makeSentence(each), stale: staleOf(old[i]) }));
  }
  const most = Math.min(old.length, found.length);
  let head = 0;
  while (head < most && old[head].text === found[head].text) head += 1;
  let tail = 0;
  while (tail < most - head && old.at(-1 - tail).text === found.at(-1 - tail).text) tail += 1;
  return found.map((each, i) => {
    const place = i < head ? i : i + old.length - found.length;
    if (i < head || i >= found.length - tail) return Object.assign(old[place], each);
    const replaced = i < old.length - tail ? old[i] : undefined;
    return { ...makeSentence(each), stale: staleOf(replaced) };
  });
}

function staleOf(sentence) {
  return sentence ? shownText(sentence) ?? sentence.stale : null;
}
