// The translation: each word is a button, and all of them together one stop of the Tab key.

import { light, replaceParts } from "./source_pane.js";

/** The words of the translation. */
export class TargetPane {
  /**
   * @param {{onWord: function, onTurn: function, onOpen: function}} listener `onWord` with
   *   {sentence, number} of the word that the pointer or the focus is on, or null; `onTurn` with a
   *   sentence that got the focus; `onOpen` with a word that was clicked, and its element.
   */
  constructor(listener) {
    this.listener = listener;
    this.box = document.getElementById("translation");
    this.words = new WeakMap(); // elements, and the word that each is
    this.drawn = new Map(); // by sentence: what it was drawn from, its words' elements, their box
    this.box.addEventListener("pointerover", (event) => listener.onWord(this.wordOf(event.target)));
    this.box.addEventListener("pointerleave", () => listener.onWord(this.focused));
    this.box.addEventListener("focusin", (event) => {
      this.makeTabStop(event.target);
      const word = this.wordOf(event.target);
      listener.onWord(word);
      if (word) listener.onTurn(word.sentence);
    });
    this.box.addEventListener("focusout", () => listener.onWord(null));
    this.box.addEventListener("click", (event) => this.open(event.target));
    this.box.addEventListener("keydown", (event) => this.onKey(event));
  }

  set language(code) {
    this.box.lang = code;
  }

  get focused() {
    return this.wordOf(document.activeElement);
  }

  wordOf(element) {
    return this.words.get(element) ?? null;
  }

  elementOf({ sentence, number }) {
    return this.elementsOf(sentence)[number];
  }

  elementsOf(sentence) {
    return this.drawn.get(sentence)?.elements ?? [];
  }

  /** Draw what has changed. */
  show(sentences, spaceBefore) {
    const focused = this.focused;
    const drawn = new Map();
    const parts = sentences.flatMap((sentence, number) => {
      const before = this.drawn.get(sentence);
      const { translation, stale } = sentence;
      const isSame = before && before.translation === translation && before.stale === stale;
      const part = isSame ? before : this.draw({ sentence, translation, stale });
      drawn.set(sentence, part);
      return [spaceBefore(number), part.box];
    });
    this.drawn = drawn;
    replaceParts(this.box, parts);
    if (focused) this.elementOf(focused)?.focus({ preventScroll: true });
    if (!this.box.querySelector("[tabindex='0']")) this.makeTabStop(this.box.querySelector(".word"));
  }

  draw({ sentence, translation, stale }) {
    const box = document.createElement("span");
    if (!translation) {
      box.className = "stale";
      box.textContent = stale ?? "";
      return { translation, stale, box, elements: [] };
    }
    const { text, words } = translation.hypotheses[translation.shown];
    let at = 0;
    const elements = words.target.map((word, number) => {
      const button = makeWord(word);
      button.classList.toggle("chosen", word.start === translation.chosen);
      this.words.set(button, { sentence, number });
      box.append(text.slice(at, word.start), button);
      at = word.end;
      return button;
    });
    box.append(text.slice(at));
    return { translation, stale, box, elements };
  }

  /** Light up words of a sentence, each as strongly as its weight says. */
  light(sentence, weights) {
    light(this.elementsOf(sentence), weights);
  }

  /** Go to the word where a sentence was changed, or to the first word of all. */
  focus(sentence, start = 0) {
    const words = sentence?.translation?.hypotheses[sentence.translation.shown].words.target ?? [];
    const number = words.findLastIndex((word) => word.start <= start);
    const element = this.elementOf({ sentence, number: Math.max(0, number) });
    (element ?? this.box.querySelector("[tabindex='0']"))?.focus();
  }

  makeTabStop(element) {
    if (!this.words.has(element)) return;
    for (const other of this.box.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
    element.tabIndex = 0;
  }

  open(element) {
    const word = this.wordOf(element);
    // Who has just marked a piece of text wants to copy it.
    if (word && getSelection().isCollapsed) this.listener.onOpen(word, element);
  }

  onKey(event) {
    const { key, target } = event;
    if (!this.words.has(target) || event.ctrlKey || event.altKey || event.metaKey) return;
    if (key === "Enter" || key === " ") {
      event.preventDefault();
      this.open(target);
      return;
    }
    const next = this.neighbour(target, key);
    if (next) {
      event.preventDefault();
      next.focus();
    }
  }

  /** The word that an arrow leads to. */
  neighbour(element, key) {
    const all = [...this.box.querySelectorAll(".word")];
    const at = all.indexOf(element);
    const isRightToLeft = getComputedStyle(element.parentElement).direction === "rtl";
    const right = isRightToLeft ? -1 : 1;
    if (key === "ArrowRight") return all[at + right];
    if (key === "ArrowLeft") return all[at - right];
    if (key === "Home") return all[0];
    if (key === "End") return all.at(-1);
    if (key === "ArrowDown") return onNextLine(element, all.slice(at + 1));
    if (key === "ArrowUp") return onNextLine(element, all.slice(0, at).reverse());
    return undefined;
  }
}

function makeWord({ text }) {
  const button = document.createElement("span");
  button.className = "word";
  button.textContent = text;
  button.tabIndex = -1;
  button.role = "button";
  button.ariaHasPopup = "menu";
  button.ariaExpanded = "false";
  button.setAttribute("aria-describedby", "gaze");
  return button;
}

/** Of the words after an element, or those before it backwards, the nearest on the next line. */
function onNextLine(element, others) {
  const from = element.getBoundingClientRect();
  const middle = (from.left + from.right) / 2;
  let best;
  let bestDistance = Infinity;
  let line = null;
  for (const other of others) {
    const box = other.getBoundingClientRect();
    const isSameLine = Math.abs(box.top - from.top) < from.height / 2;
    if (isSameLine) continue;
    line ??= box.top;
    if (Math.abs(box.top - line) > from.height / 2) break;
    const distance = Math.abs((box.left + box.right) / 2 - middle);
    if (distance < bestDistance) [best, bestDistance] = [other, distance];
  }
  return best;
}
