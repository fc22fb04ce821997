// Judging by key and button. The ranking is built here and sent whole, under an id made here: a judgement whose answer
// is lost is sent again with the same id, and the server stores it once.
import { light, paint, scrollTogether, seek, startsOf } from "./paint.js";
import { Mending } from "./mend.js";

const byId = (id) => document.getElementById(id);
const main = byId("task"), said = byId("said"), prompt = byId("prompt"), problem = byId("problem");
const forms = { judgement: byId("judgement"), undo: byId("undo") };
const PLACES = ["Best", "2nd", "3rd", "4th"];
const RETRY_MS = 2000;
let root = null, panels = [], state = null, sending = null, mending = null, since = 0;

const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
const keyOf = (task) => `docalign-rank-${task}`;
const store = {
  read(key) { try { return JSON.parse(sessionStorage.getItem(key)); } catch { return null; } },
  forget(key) { try { sessionStorage.removeItem(key); } catch { /* as below */ } },
  write(key, value) { try { sessionStorage.setItem(key, JSON.stringify(value)); } catch { /* private mode: a reload forgets */ } },
};

function bank() { // time counts while the page is to be seen
  if (!state) return;
  if (since) state.spent += performance.now() - since;
  since = document.hidden ? 0 : performance.now();
  store.write(keyOf(state.task), state);
}

function begin(focus) {
  root = byId("candidates");
  panels = root ? [...root.querySelectorAll(".panel")] : [];
  if (sending && state) store.forget(keyOf(state.task)); // it is saved: an undo begins afresh
  mending = null; sending = null; problem.replaceChildren();
  const saying = (root ?? main.firstElementChild)?.dataset.said ?? "";
  if (saying) said.textContent = root ? `${saying} Next task.` : saying;
  if (!root) { state = null; show(); return; }
  const task = Number(root.dataset.task), kept = store.read(keyOf(task));
  state = kept?.task === task ? kept : { task, id: newId(), order: [], level: false, spent: 0, note: "", corrected: null };
  since = document.hidden ? 0 : performance.now();
  bank();
  if (state.corrected) repaint(panels[state.corrected.from], state.corrected.starts);
  activate(0, false);
  scrollTogether(root); light(root);
  if (focus) panels[0].focus({ preventScroll: true });
  show();
}

const repaint = (panel, starts) => paint(panel, starts, Number(root.dataset.limit ?? 0));
const placed = () => state.order.flat();
const placeOf = (position) => state.order.findIndex((group) => group.includes(position));
const active = () => panels.find((panel) => panel.classList.contains("active"));

function activate(position, focus = true) {
  for (const panel of panels) panel.classList.toggle("active", Number(panel.dataset.position) === position);
  for (const tab of root.querySelectorAll("[data-tab]")) tab.setAttribute("aria-pressed", Number(tab.dataset.tab) === position);
  if (focus) panels[position].focus({ preventScroll: true });
}

function show() {
  const judging = state !== null, undo = byId("pace")?.dataset.undo ?? "";
  document.querySelector(".buttons").hidden = mending !== null;
  document.querySelector(".mending").hidden = mending === null;
  for (const name of ["seek", "tie", "bad", "skip", "note"]) document.querySelector(`[data-do="${name}"]`).disabled = !judging;
  document.querySelector('[data-do="undo"]').disabled = !undo;
  document.querySelector('[data-do="note"]').classList.toggle("has", Boolean(state?.note));
  if (!judging) { prompt.textContent = ""; return; }
  const next = state.level ? PLACES[state.order.length - 1] : PLACES[state.order.length];
  for (const panel of panels) {
    const position = Number(panel.dataset.position), place = placeOf(position), pick = panel.querySelector("[data-pick]");
    pick.querySelector(".word").textContent = place >= 0 ? PLACES[place] : next;
    pick.setAttribute("aria-pressed", place >= 0);
    pick.disabled = mending !== null;
    panel.querySelector("[data-mend]").setAttribute("aria-pressed", mending?.panel === panel);
    panel.classList.toggle("corrected", state.corrected?.from === position);
    root.querySelector(`[data-tab="${position}"] .tab-place`).textContent = place >= 0 ? ` ${PLACES[place]}` : "";
  }
  prompt.textContent = mending ? mends() : asks();
}

const touch = matchMedia("(hover: none)");

function mends() {
  const how = `${touch.matches ? "Tap" : "Click"} between blocks, or on the page, to add or remove a cut`;
  const over = mending.panel.querySelectorAll(".cut:not([hidden]) .tokens.over").length;
  return over ? `${how}. ${over === 1 ? "A chunk is" : `${over} chunks are`} over the limit of ${root.dataset.limit}` : how;
}

function asks() {
  if (panels.length === 2) return touch.matches ? "Which is better?" : "Which is better? 1 or 2, or = for a tie";
  if (state.level) return `Which shares ${PLACES[state.order.length - 1].toLowerCase()} place?`;
  if (!state.order.length) return `From best to worst: 1 to ${panels.length}, or = for a tie`;
  return `Which comes ${PLACES[state.order.length]}? = puts the next level`;
}

function place(position) {
  if (!state || mending || sending || !panels[position]) return;
  if (placeOf(position) >= 0) {
    state.order = state.order.map((group) => group.filter((p) => p !== position)).filter((group) => group.length);
    state.level = false;
  } else if (state.level && state.order.length) {
    state.order.at(-1).push(position);
    state.level = false;
  } else state.order.push([position]);
  activate(position, false);
  const left = panels.map((_, p) => p).filter((p) => placeOf(p) < 0);
  if (panels.length === 2 && left.length === 1 && state.order.length === 1) state.order.push(left);
  if (placed().length === panels.length) send("ranking", { ranking: state.order }); else bank();
  show();
}

function tie() {
  if (!state || mending || sending) return;
  if (!state.order.length) { state.order = [panels.map((_, p) => p)]; send("ranking", { ranking: state.order }); }
  else { state.level = !state.level; bank(); }
  show();
}

function forget() {
  if (!state || sending) return;
  state.order = []; state.level = false; bank(); show();
}

function send(kind, fields = {}) {
  if (!state || sending) return;
  bank();
  const correction = state.corrected && kind !== "skip" ? { starts: JSON.stringify(state.corrected.starts), corrected_from: state.corrected.from } : {};
  const ranking = fields.ranking ? { ranking: JSON.stringify(fields.ranking) } : {};
  submit("judgement", { id: state.id, task: state.task, kind, starts: "", corrected_from: "", ranking: "", reason: "",
    note: state.note, milliseconds: Math.round(state.spent), ...correction, ...fields, ...ranking });
}

function submit(name, fields) {
  for (const [field, value] of Object.entries(fields)) forms[name].elements[field].value = value;
  sending = name;
  problem.replaceChildren();
  forms[name].requestSubmit();
}

function undo() {
  const last = byId("pace").dataset.undo;
  if (last && !sending && !mending) submit("undo", { id: newId(), judgement: last });
}

function again(reason) { // the same fields, so the same id
  const name = sending;
  if (!name) return;
  said.textContent = "";
  const words = document.createElement("p");
  words.textContent = `Not saved yet: ${reason}. Trying again…`;
  problem.replaceChildren(words);
  setTimeout(() => { if (sending === name) forms[name].requestSubmit(); }, RETRY_MS);
}

function mend(panel) {
  if (!state || sending || !panel) return;
  if (mending) return stopMending(false);
  activate(Number(panel.dataset.position), false);
  const from = Number(panel.dataset.position), before = state.corrected?.from === from ? state.corrected.starts : startsOf(panel);
  mending = new Mending(panel, before, repaint);
  show();
  mending.focusFirst();
}

function stopMending(keep) {
  const { panel, changed, starts } = mending, from = Number(panel.dataset.position);
  mending.end();
  if (keep && changed) {
    if (state.corrected && state.corrected.from !== from) { const old = panels[state.corrected.from]; repaint(old, startsOf(old)); }
    state.corrected = { from, starts };
    said.textContent = "Correction kept; it is saved with your ranking.";
  } else if (!keep) repaint(panel, state.corrected?.from === from ? state.corrected.starts : startsOf(panel));
  mending = null;
  bank(); show();
  panel.focus({ preventScroll: true });
}

function saveCorrection() {
  if (!mending) return;
  if (!mending.changed && !state.corrected) { said.textContent = "No cut was changed."; return; }
  stopMending(true);
  send("correction");
}

const actions = {
  seek: () => { if (state) seek(root, active()); },
  tie, undo, help: () => byId("help").showModal(),
  bad: () => { if (!mending) { send("all_bad"); show(); } },
  skip: () => { if (state && !mending) byId("skip").showModal(); },
  note: () => { if (state) { byId("remark").value = state.note; byId("note").showModal(); } },
  keep: () => mending && stopMending(true), cancel: () => mending && stopMending(false), send: saveCorrection,
};

byId("skip").addEventListener("close", (e) => {
  if (e.target.returnValue !== "skip") return;
  const why = e.target.querySelector("[name=why]:checked").value || byId("other").value.trim() || "something else";
  e.target.returnValue = "";
  send("skip", { reason: why }); show();
});
byId("other").addEventListener("input", () => { byId("skip").querySelector('[name=why][value=""]').checked = true; });
byId("note").addEventListener("close", (e) => {
  if (e.target.returnValue === "keep" && state) { state.note = byId("remark").value; bank(); show(); }
});

document.addEventListener("click", (e) => {
  const button = e.target.closest("button"), panel = e.target.closest(".panel");
  if (button && "close" in button.dataset) return button.closest("dialog").close("");
  if (button?.dataset.do) return actions[button.dataset.do]();
  if (button?.dataset.pick) return place(Number(button.dataset.pick));
  if (button?.dataset.tab) return mending || activate(Number(button.dataset.tab), false);
  if (button && "mend" in button.dataset) return mend(panel);
  if (mending?.click(e.target)) return show();
  if (panel && !mending && state) activate(Number(panel.dataset.position), false);
});

const KEYS = { d: "seek", "=": "tie", b: "bad", s: "skip", u: "undo", "?": "help", n: "note" };
document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || document.querySelector("dialog[open]")) return;
  if (e.target.matches("input, textarea, select")) return;
  if (mending) { if (mendingKey(e)) e.preventDefault(); return; }
  const digit = Number(e.key), at = panels.indexOf(active());
  if (digit >= 1 && digit <= panels.length) place(digit - 1);
  else if (KEYS[e.key]) actions[KEYS[e.key]]();
  else if (e.key === "c" && active()) mend(active());
  else if (e.key === "ArrowRight" && state) activate(Math.min(at + 1, panels.length - 1));
  else if (e.key === "ArrowLeft" && state) activate(Math.max(at - 1, 0));
  else if (e.key === "Escape") forget();
  else return;
  e.preventDefault();
});

function mendingKey(e) {
  if (e.key === "Escape") stopMending(false);
  else if (e.key === "r") stopMending(true);
  else if (e.key === "Enter" && !e.target.matches("[data-do]")) saveCorrection();
  else if (e.key === "?") actions.help();
  else { const done = mending.key(e); show(); return done; }
  return true;
}

document.addEventListener("visibilitychange", bank);
addEventListener("pagehide", bank);
document.addEventListener("htmx:after:swap", (e) => {
  const { target, response } = e.detail.ctx; // htmx says so of swaps that put nothing anywhere, too
  if (target === main && response.status < 400) begin(true);
});
document.addEventListener("htmx:error", () => again("the server does not answer"));
document.addEventListener("htmx:response:error", (e) => {
  if (e.detail.ctx.response.status >= 500) again("the server has a problem");
  else if (sending) { // refused: nothing was stored under this id
    sending = null;
    if (state) Object.assign(state, { id: newId(), order: [], level: false });
    bank(); show();
  }
});
begin(false);
