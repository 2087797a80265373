// The text as it is written. A textarea cannot mark words: a mirror behind it does.

/** The textarea and its mirror. */
export class SourcePane {
  /**
   * @param {{onInput: function, onWord: function}} listener `onWord` with {sentence, number} of the
   *   word under the pointer or the cursor, or null.
   */
  constructor(listener) {
    this.field = document.getElementById("source-text");
    this.mirror = document.getElementById("mirror");
    this.words = new Map(); // the mirror's elements, and the word that each is
    this.elements = new Map(); // the same by sentence: its elements in order
    this.field.addEventListener("input", () => listener.onInput(this.field.value));
    this.field.addEventListener("pointermove", (event) => listener.onWord(this.wordAt(event)));
    this.field.addEventListener("pointerleave", () => listener.onWord(null));
    this.field.addEventListener("blur", () => listener.onWord(null));
    for (const kind of ["keyup", "click"]) {
      this.field.addEventListener(kind, (event) => {
        const moves = kind === "click" || /^(Arrow|Home|End|Page)/.test(event.key);
        if (moves) listener.onWord(this.wordAtCursor());
      });
    }
  }

  set text(text) {
    this.field.value = text;
  }

  set language(code) {
    this.field.lang = this.mirror.lang = code === "auto" ? "" : code;
  }

  /** Lay out the mirror anew. */
  show(text, sentences, wordsOf) {
    this.words.clear();
    this.elements.clear();
    const parts = [];
    let at = 0;
    for (const sentence of sentences) {
      const words = wordsOf(sentence)?.source ?? [];
      const elements = words.map((word, number) => {
        const element = document.createElement("span");
        element.className = "seen";
        element.textContent = word.text;
        this.words.set(element, { sentence, number });
        const start = sentence.start + word.start;
        parts.push(text.slice(at, start), element);
        at = sentence.start + word.end;
        return element;
      });
      this.elements.set(sentence, elements);
    }
    // The last character has no width, so that a new line at the end has its height.
    this.mirror.replaceChildren(...parts, text.slice(at), "\u200b");
  }

  /** Light up words of a sentence, each as strongly as its weight says. */
  light(sentence, weights) {
    light(this.elementsOf(sentence), weights);
  }

  elementOf({ sentence, number }) {
    return this.elements.get(sentence)?.[number];
  }

  elementsOf(sentence) {
    return this.elements.get(sentence) ?? [];
  }

  wordAt({ clientX, clientY }) {
    for (const element of document.elementsFromPoint(clientX, clientY)) {
      const word = this.words.get(element);
      if (word) return word;
    }
    return null;
  }

  wordAtCursor() {
    const { selectionStart: at, selectionEnd } = this.field;
    if (at !== selectionEnd) return null;
    for (const [sentence, elements] of this.elements) {
      if (at < sentence.start || at > sentence.start + sentence.text.length) continue;
      const range = document.createRange();
      range.setStart(this.mirror, 0);
      const number = elements.findIndex((element) => {
        range.setEndAfter(element);
        return range.toString().length >= at;
      });
      return number < 0 ? null : { sentence, number };
    }
    return null;
  }
}

/** Give each element the strength of its light; weights of null put all out. */
export function light(elements, weights) {
  elements.forEach((element, number) => {
    const weight = weights?.[number] ?? 0;
    element.classList.toggle("lit", weight >= 0.02);
    element.style.setProperty("--heat", weight.toFixed(3));
  });
}
