// Links to a text, and the clipboard. The text is in the fragment, which no server gets to see.

/** A link to a text and its languages. */
export function linkTo(text, { source, target }) {
  const link = new URL(location.href);
  link.hash = new URLSearchParams({ source, target, text }).toString();
  return link.href;
}

/** What the page's own link says: {text, source, target}, each null where it is not said. */
export function fromLink() {
  const said = new URLSearchParams(location.hash.slice(1));
  return { text: said.get("text"), source: said.get("source"), target: said.get("target") };
}

/** Put a text on the clipboard. Says whether that worked. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // The clipboard is only for pages that came encrypted or from this very machine.
    return copyBySelection(text);
  }
}

function copyBySelection(text) {
  const focused = document.activeElement;
  const field = document.createElement("textarea");
  field.className = "unseen";
  field.value = text;
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  focused?.focus({ preventScroll: true });
  return isCopied;
}
