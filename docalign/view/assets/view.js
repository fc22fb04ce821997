"use strict";
// Ties the regions on the pages to the cards, chunks or blocks. Without it the links still jump from a region to its text.
const body = document.body, word = body.dataset.word, cards = [...document.querySelectorAll(".card")];
const partsOf = (n) => document.querySelectorAll(`[data-item="${n}"]`);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let lit = null, picked = null, moves = "auto";

function mark(n, name) {
  const before = name === "on" ? lit : picked;
  if (before === n) return;
  if (before) partsOf(before).forEach((e) => e.classList.remove(name));
  if (n) partsOf(n).forEach((e) => e.classList.add(name));
  if (name === "on") lit = n; else picked = n;
}

function show(element, pane) {
  if (!element || !pane) return;
  const box = element.getBoundingClientRect(), frame = pane.getBoundingClientRect();
  if (box.top >= frame.top + 8 && box.bottom <= frame.bottom - 8) return;
  pane.scrollBy({ top: box.top - frame.top - Math.min(70, frame.height / 6), behavior: calm.matches ? "auto" : moves });
}

// Picks an item and brings both its card and its first region into view.
function pick(n, from) {
  mark(n, "picked");
  const card = cards[n - 1], pane = body.classList.contains("flow") ? document.querySelector("main") : document.getElementById("cards");
  if (from !== "card") { show(card, pane); card.focus({ preventScroll: true }); }
  if (from !== "region") show(document.querySelector(`.region[data-item="${n}"]`), document.getElementById("pages"));
  history.replaceState(null, "", `#${word}${n}`);
}

const itemAt = (target) => target.closest?.("[data-item]");

document.addEventListener("mouseover", (e) => mark(itemAt(e.target)?.dataset.item ?? null, "on"));
document.addEventListener("mouseleave", () => mark(null, "on"));
document.addEventListener("click", (e) => {
  const part = itemAt(e.target);
  if (!part) return;
  const kind = part.classList.contains("card") ? "card" : part.classList.contains("region") ? "region" : "ribbon";
  if (kind === "card" && String(getSelection())) return; // someone is copying text
  e.preventDefault();
  pick(Number(part.dataset.item), kind);
});
document.addEventListener("focusin", (e) => {
  const card = e.target.closest?.(".card");
  if (card && e.target.matches(":focus-visible")) pick(Number(card.dataset.item), "card");
});
document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.target.matches("input")) return;
  const step = { j: 1, ArrowRight: 1, k: -1, ArrowLeft: -1 }[e.key];
  if (e.key === "Escape") mark(null, "picked");
  if (!step || !cards.length) return;
  const at = picked ? Number(picked) + step : step > 0 ? 1 : cards.length;
  if (at >= 1 && at <= cards.length) { e.preventDefault(); pick(at, "key"); }
});
for (const name of ["regions", "order", "aside"]) {
  document.getElementById(`show-${name}`)?.addEventListener("change", (e) => body.classList.toggle(`no-${name}`, !e.target.checked));
}
function fromAddress() {
  const n = Number(RegExp(`^#${word}(\\d+)$`).exec(location.hash)?.[1]);
  if (n >= 1 && n <= cards.length) pick(n, "address");
}
addEventListener("hashchange", fromAddress);
fromAddress();
moves = "smooth"; // but where the address points, the page is at once
