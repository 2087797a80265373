// Threads from a word to those it looked at, drawn behind the text.

const SVG = "http://www.w3.org/2000/svg";
const LEAST = 0.05; // the weight below which there is no thread

/** The drawing that lies behind both panes. */
export class Threads {
  constructor() {
    this.drawing = document.getElementById("threads");
    window.addEventListener("resize", () => this.clear());
  }

  /** Draw a thread from one element to each of others, as strong as its weight says. */
  draw(from, elements, weights) {
    this.clear();
    if (!from) return;
    const origin = this.drawing.getBoundingClientRect();
    const start = lowestPoint(from, origin);
    elements.forEach((element, number) => {
      if (weights[number] < LEAST) return;
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("d", curve(start, lowestPoint(element, origin)));
      path.style.setProperty("--heat", weights[number].toFixed(3));
      this.drawing.append(path);
    });
  }

  clear() {
    this.drawing.replaceChildren();
  }
}

/** The middle of the lower edge of an element; of its first line, where it has two. */
function lowestPoint(element, origin) {
  const box = element.getClientRects()[0] ?? element.getBoundingClientRect();
  return { x: (box.left + box.right) / 2 - origin.left, y: box.bottom - origin.top - 3 };
}

/** A thread that hangs between two points. */
function curve(one, other) {
  const sag = 14 + Math.hypot(one.x - other.x, one.y - other.y) / 12;
  const lean = (other.x - one.x) / 4;
  return `M${one.x} ${one.y}C${one.x + lean} ${one.y + sag} ${other.x - lean} ${other.y + sag} ` +
    `${other.x} ${other.y}`;
}
