// The text as it is written. A textarea cannot mark words: a mirror behind it does.

/** The textarea and its mirror. */
export class SourcePane {
  /**
   * @param {{onInput: function, onWord: function, onTurn: function}} listener `onInput` with the
   *   text; `onWord` with {sentence, number} of the word under the pointer or the cursor, or null;
   *   `onTurn` with the sentence that the cursor is moved to.
   */
  constructor(listener) {
    this.field = document.getElementById("source-text");
    this.mirror = document.getElementById("mirror");
    this.words = new WeakMap(); // the mirror's elements, and the word that each is
    this.drawn = new Map(); // by sentence: its words, their elements, and the box of all
    this.field.addEventListener("input", () => listener.onInput(this.field.value));
    this.field.addEventListener("pointermove", (event) => listener.onWord(this.wordAt(event)));
    this.field.addEventListener("pointerleave", () => listener.onWord(null));
    this.field.addEventListener("blur", () => listener.onWord(null));
    for (const kind of ["keyup", "click"]) {
      this.field.addEventListener(kind, (event) => {
        const moves = kind === "click" || /^(Arrow|Home|End|Page)/.test(event.key);
        const word = moves && this.wordAtCursor();
        if (!word) return;
        listener.onWord(word);
        listener.onTurn(word.sentence);
      });
    }
  }

  set text(text) {
    this.field.value = text;
  }

  set language(code) {
    this.field.lang = this.mirror.lang = code === "auto" ? "" : code;
  }

  /** Lay out the mirror: what has not changed stays as it is. */
  show(text, sentences, wordsOf) {
    const drawn = new Map();
    const parts = [];
    let at = 0;
    for (const sentence of sentences) {
      const words = wordsOf(sentence)?.source ?? null;
      const before = this.drawn.get(sentence);
      const part = before?.words === words ? before : this.draw(sentence, words);
      drawn.set(sentence, part);
      parts.push(text.slice(at, sentence.start), part.box);
      at = sentence.start + sentence.text.length;
    }
    this.drawn = drawn;
    // The last character has no width, so that a new line at the end has its height.
    replaceParts(this.mirror, [...parts, `${text.slice(at)}\u200b`]);
  }

  draw(sentence, words) {
    const { text } = sentence;
    const box = document.createElement("span");
    let at = 0;
    const elements = (words ?? []).map((word, number) => {
      const element = document.createElement("span");
      element.className = "seen";
      element.textContent = word.text;
      this.words.set(element, { sentence, number });
      box.append(text.slice(at, word.start), element);
      at = word.end;
      return element;
    });
    box.append(text.slice(at));
    return { box, words, elements };
  }

  /** Mark the word that others are lit up for; null for none. */
  mark(word) {
    this.mirror.querySelector(".marked")?.classList.remove("marked");
    if (word) this.elementOf(word)?.classList.add("marked");
  }

  /** Light up words of a sentence, each as strongly as its weight says. */
  light(sentence, weights) {
    light(this.elementsOf(sentence), weights);
  }

  elementOf({ sentence, number }) {
    return this.elementsOf(sentence)[number];
  }

  elementsOf(sentence) {
    return this.drawn.get(sentence)?.elements ?? [];
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
    for (const [sentence, { words }] of this.drawn) {
      const within = at - sentence.start;
      if (within < 0 || within > sentence.text.length) continue;
      const number = (words ?? []).findIndex(({ end }) => end >= within);
      return number < 0 ? null : { sentence, number };
    }
    return null;
  }
}

/** Give an element other children, unless it has just these. */
export function replaceParts(element, parts) {
  const children = [...element.childNodes];
  const isSame = children.length === parts.length && parts.every((part, i) =>
    typeof part === "string" ? children[i].data === part : children[i] === part);
  if (!isSame) element.replaceChildren(...parts);
}

/** Give each element the strength of its light; weights of null put all out. */
export function light(elements, weights) {
  elements.forEach((element, number) => {
    const weight = weights?.[number] ?? 0;
    element.classList.toggle("lit", weight >= 0.02);
    element.style.setProperty("--heat", weight.toFixed(3));
  });
}
