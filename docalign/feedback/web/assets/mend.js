// Correcting the cuts of one panel: between every two blocks is a button that adds or removes a cut.
export class Mending {
  constructor(panel, starts, repaint) {
    this.panel = panel;
    this.before = starts.join();
    this.cuts = new Set(starts);
    this.repaint = repaint;
    this.buttons = [...panel.querySelectorAll(".toggle")];
    for (const button of this.buttons) button.hidden = false;
    panel.classList.add("mended");
  }

  get starts() { return [...this.cuts].sort((a, b) => a - b); }
  get changed() { return this.starts.join() !== this.before; }

  focusFirst() {
    const button = this.buttons.find((b) => b.getAttribute("aria-pressed") === "true") ?? this.buttons[0];
    button?.focus();
  }

  end() {
    for (const button of this.buttons) button.hidden = true;
    this.panel.classList.remove("mended");
  }

  toggle(id) {
    if (!id) return; // the first block always starts a chunk
    if (this.cuts.has(id)) this.cuts.delete(id); else this.cuts.add(id);
    this.repaint(this.panel, this.starts);
  }

  // A click on a button between two blocks, or on the page: there the block under the pointer starts a chunk or no longer.
  click(target) {
    if (!this.panel.contains(target)) return false;
    const gap = target.closest(".toggle")?.closest(".gap"), tile = target.closest(".tile");
    if (!gap && !tile) return false;
    this.toggle(Number(gap ? gap.dataset.gap : tile.dataset.block));
    return true;
  }

  key(e) {
    const at = this.buttons.indexOf(document.activeElement), step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (!step) return false;
    const next = this.buttons[Math.min(Math.max(at + step, 0), this.buttons.length - 1)];
    if (!next) return true;
    if (e.shiftKey && at >= 0) this.move(this.buttons[at], next);
    next.focus();
    next.scrollIntoView({ block: "nearest" });
    return true;
  }

  move(from, to) {
    const [a, b] = [from, to].map((button) => Number(button.closest(".gap").dataset.gap));
    if (a === b || !this.cuts.has(a) || this.cuts.has(b)) return;
    this.cuts.delete(a); this.cuts.add(b);
    this.repaint(this.panel, this.starts);
  }
}
