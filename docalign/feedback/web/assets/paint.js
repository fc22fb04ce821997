// Draws a chunking: which cuts are on, and so the numbers, colours and sizes of the chunks of one panel. The server draws
// the first picture the same way (screens.py); this redraws it when a judge corrects.
const COLOURS = 7;

export const startsOf = (panel) => panel.dataset.starts.split(",").map(Number);

export function paint(panel, starts, limit) {
  const on = new Set(starts), blocks = [...panel.querySelectorAll(".block")];
  const chunkOf = new Map(), sums = [];
  for (const block of blocks) {
    const id = Number(block.dataset.block);
    if (on.has(id) || !sums.length) sums.push(0);
    sums[sums.length - 1] += Number(block.dataset.tokens);
    chunkOf.set(id, sums.length);
  }
  const colour = (element, id) => {
    for (let k = 0; k < COLOURS; k++) element.classList.remove(`k${k}`);
    element.classList.add(`k${(chunkOf.get(id) - 1) % COLOURS}`);
  };
  for (const block of blocks) colour(block, Number(block.dataset.block));
  for (const gap of panel.querySelectorAll(".gap")) {
    const id = Number(gap.dataset.gap), size = sums[chunkOf.get(id) - 1], tokens = gap.querySelector(".tokens");
    colour(gap, id);
    gap.querySelector(".cut").hidden = !on.has(id);
    gap.querySelector(".n").textContent = chunkOf.get(id);
    tokens.textContent = `${size} tokens`;
    tokens.classList.toggle("over", limit > 0 && size > limit);
    gap.querySelector(".toggle")?.setAttribute("aria-pressed", on.has(id));
  }
  for (const tile of panel.querySelectorAll(".tile")) {
    const id = Number(tile.dataset.block), cut = on.has(id) && "first" in tile.dataset;
    colour(tile, id);
    tile.classList.toggle("cut", cut);
    if (!cut) tile.classList.remove("only");
    const text = tile.querySelector(".badge text");
    if (text) text.textContent = chunkOf.get(id);
  }
  const low = Math.min(...sums), high = Math.max(...sums);
  panel.querySelector(".chunks").textContent = sums.length === 1 ? "1 chunk" : `${sums.length} chunks`;
  panel.querySelector(".sizes").textContent = `${low === high ? low : `${low}–${high}`} tokens`;
}

// Panels of one task show the same pages and blocks: what is scrolled in one is scrolled in the others.
export function scrollTogether(root) {
  for (const kind of ["sheets", "texts"]) {
    const panes = [...root.querySelectorAll(`.${kind}`)];
    let leader = null;
    for (const pane of panes) {
      for (const event of ["pointerenter", "focusin", "touchstart", "wheel"]) {
        pane.addEventListener(event, () => { leader = pane; }, { passive: true });
      }
      pane.addEventListener("scroll", () => {
        if (pane !== leader) return;
        for (const other of panes) if (other !== pane && other.offsetParent) follow(pane, other, kind);
      }, { passive: true });
    }
  }
}

function follow(pane, other, kind) {
  if (kind === "sheets") { other.scrollTop = pane.scrollTop; return; }
  const top = pane.getBoundingClientRect().top;
  const block = [...pane.querySelectorAll(".block")].find((b) => b.getBoundingClientRect().bottom > top);
  if (!block) return;
  const twin = other.querySelector(`.block[data-block="${block.dataset.block}"]`);
  const offset = block.getBoundingClientRect().top - top;
  other.scrollTop += twin.getBoundingClientRect().top - other.getBoundingClientRect().top - offset;
}

// A block under the pointer is lit on the page and in the text of every candidate.
export function light(root) {
  let lit = [];
  const at = (target) => target.closest?.("[data-block]")?.dataset.block;
  root.addEventListener("pointerover", (e) => {
    const id = at(e.target);
    lit.forEach((element) => element.classList.remove("on"));
    lit = id === undefined ? [] : [...root.querySelectorAll(`[data-block="${id}"]`)];
    lit.forEach((element) => element.classList.add("on"));
  });
}

// Brings the next place where the candidates differ into view, in the text and on the page of every one.
export function seek(root, panel) {
  const places = [...panel.querySelectorAll(".gap.differs")];
  if (!places.length) return;
  const at = places.findIndex((gap) => gap.classList.contains("sought"));
  const id = places[(at + 1) % places.length].dataset.gap;
  for (const gap of root.querySelectorAll(".gap")) gap.classList.toggle("sought", gap.dataset.gap === id);
  for (const tile of root.querySelectorAll(".tile")) tile.classList.toggle("sought", tile.dataset.block === id && "first" in tile.dataset);
  for (const other of root.querySelectorAll(".panel")) {
    centre(other.querySelector(`.gap[data-gap="${id}"]`), other.querySelector(".texts"));
    centre(other.querySelector(`.tile.sought`), other.querySelector(".sheets"));
  }
}

function centre(element, pane) {
  if (!element || !pane.offsetParent) return;
  const scroller = pane.scrollHeight > pane.clientHeight ? pane : pane.parentElement;
  scroller.scrollTop += element.getBoundingClientRect().top - scroller.getBoundingClientRect().top - scroller.clientHeight / 3;
}
