// The menu of words that could stand in the place of one.

import { percent } from "./text.js";

/** A menu below a word. */
export class Choices {
  constructor() {
    this.box = document.getElementById("choices");
    this.title = document.getElementById("choices-title");
    this.list = document.getElementById("choices-list");
    this.message = document.getElementById("choices-message");
    this.anchor = null;
    this.word = null; // that it is open for
    this.box.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("pointerdown", ({ target }) => {
      if (!this.box.contains(target)) this.close();
    });
    document.addEventListener("focusin", ({ target }) => {
      if (target !== this.anchor && !this.box.contains(target)) this.close();
    });
    window.addEventListener("resize", () => this.close());
  }

  get isOpen() {
    return this.anchor !== null;
  }

  /**
   * Open the menu and fill it when the words are there.
   * @param {HTMLElement} anchor The word's element.
   * @param {object} word What it is to who opens it.
   * @param {string} current How it is spelt.
   * @param {function} ask Gets a signal; promises [{word, probability}].
   * @param {function} onPick Gets the word that was picked.
   */
  async open(anchor, word, current, ask, onPick) {
    this.close();
    this.anchor = anchor;
    this.word = word;
    this.onPick = onPick;
    this.asking = new AbortController();
    const { signal } = this.asking;
    anchor.ariaExpanded = "true";
    this.title.textContent = `Instead of “${current}”`;
    this.list.replaceChildren();
    this.list.hidden = true;
    this.say("Looking…");
    this.box.hidden = false;
    this.place();
    try {
      const words = await ask(signal);
      if (!signal.aborted) this.fill(words, current);
    } catch (error) {
      if (!signal.aborted) this.say(error.message);
    }
  }

  /** Close the menu. Focus that was in it goes back to the word. */
  close() {
    if (!this.isOpen) return;
    const { anchor } = this;
    const hadFocus = this.box.contains(document.activeElement);
    this.anchor = null;
    this.word = null;
    this.asking.abort();
    this.box.hidden = true;
    anchor.ariaExpanded = "false";
    if (hadFocus) anchor.focus({ preventScroll: true });
  }

  fill(words, current) {
    const others = words.filter(({ word }) => word !== current);
    if (!others.length) {
      this.say("Nothing else is at all likely here.");
      return;
    }
    const found = words.find(({ word }) => word === current);
    const all = found ? words : [{ word: current, probability: null }, ...words];
    this.say("");
    this.list.replaceChildren(...all.map((each) => this.makeItem(each, current)));
    this.list.hidden = false;
    this.place();
    const items = [...this.list.children];
    (items.find((item) => item.ariaChecked === "false") ?? items[0]).focus({ preventScroll: true });
    this.box.scrollIntoView({ block: "nearest" });
  }

  makeItem({ word, probability }, current) {
    const item = document.createElement("div");
    item.role = "menuitemradio";
    item.ariaChecked = String(word === current);
    item.tabIndex = -1;
    item.className = "option";
    const label = document.createElement("span");
    label.className = word ? "option-word" : "option-word end";
    label.textContent = word || "end here";
    const share = document.createElement("span");
    share.className = "share";
    share.textContent = probability === null ? "" : percent(probability);
    item.style.setProperty("--share", probability ?? 0);
    item.append(label, share);
    item.addEventListener("click", () => this.pick(word, current));
    return item;
  }

  pick(word, current) {
    const { onPick } = this;
    this.close();
    if (word !== current) onPick(word);
  }

  say(text) {
    this.message.textContent = text;
    this.message.hidden = !text;
  }

  /** Below the word, or above it where there is no room; within the window. */
  place() {
    const word = this.anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.box;
    const room = document.documentElement.clientWidth - width - 8;
    const isBelow = word.bottom + height + 8 <= innerHeight || word.top < height + 8;
    const left = Math.max(8, Math.min(word.left - 12, room));
    const top = isBelow ? word.bottom + 6 : word.top - height - 6;
    this.box.style.left = `${left + scrollX}px`;
    this.box.style.top = `${top + scrollY}px`;
  }

  onKey(event) {
    const items = [...this.list.children];
    const at = items.indexOf(document.activeElement);
    const goals = {
      ArrowDown: (at + 1) % items.length,
      ArrowUp: (at - 1 + items.length) % items.length,
      Home: 0,
      End: items.length - 1,
    };
    if (event.key in goals) {
      items[goals[event.key]].focus();
    } else if (event.key === "Enter" || event.key === " ") {
      items[at]?.click();
    } else if (event.key === "Escape" || event.key === "Tab") {
      this.close();
      if (event.key === "Tab") return; // and on from the word
    } else if (/^\p{L}$/u.test(event.key) && !event.ctrlKey && !event.altKey && !event.metaKey) {
      const order = [...items.slice(at + 1), ...items.slice(0, at + 1)];
      const letter = event.key.toLowerCase();
      order.find((item) => item.textContent.toLowerCase().startsWith(letter))?.focus();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
