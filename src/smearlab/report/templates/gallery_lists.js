// The parts of the gallery: what a filter leaves of each, and drawing only what is near the window.

const CHUNK = { single: 60, groups: 12, labels: 20 };
const FIRST = { single: 28, groups: 6, labels: 8 };

// ---- entries: what one card or one group shows ----

function groupEntries(kind) {
  const groups = new Map();
  items.at.forEach((at, item) => {
    if (kindOf(item) !== kind) return;
    const key = items.group[item];
    if (!groups.has(key)) groups.set(key, { members: new Map(), score: 0, items: [] });
    const entry = groups.get(key);
    entry.members.set(at, item);
    entry.score = Math.max(entry.score, items.score[item]);
  });
  return [...groups.values()].map(({ members, score }) => ({ members: withPartners(members), score }));
}

// A partner that belongs to another part of the gallery is shown too: a copy can be judged only beside its fellow.
function withPartners(members) {
  const all = new Map(members);
  for (const item of members.values()) {
    const partner = items.partner[item];
    if (partner >= 0 && !all.has(partner)) all.set(partner, null);
  }
  return [...all].sort(([a], [b]) => a - b);
}

function entriesOf(kind) {
  if (kind.form === "groups") return groupEntries(kind);
  const entries = [];
  if (kind.key === OTHERS) {
    for (let at = 0; at < ROWS; at++) if (!found.has(at)) entries.push({ members: [[at, null]], score: 0 });
  } else {
    items.at.forEach((at, item) => {
      if (kindOf(item) === kind) entries.push({ members: [[at, item]], score: items.score[item] });
    });
  }
  return entries;
}

function drawEntry(kind, entry) {
  if (kind.form === "groups") return group(entry);
  const [at, item] = entry.members[0];
  return kind.form === "labels" ? doubt(at, item) : cell(at, item);
}

// ---- one part of the gallery ----

const near = new IntersectionObserver(
  (seen) => seen.forEach(({ target, isIntersecting }) => target.owner.look(target, isIntersecting)),
  { rootMargin: "1200px 0px" },
);

class Part {
  constructor(kind) {
    this.kind = kind;
    this.section = document.getElementById(kind.key);
    this.root = this.section.querySelector(".entries");
    this.tally = this.section.querySelector(".tally");
    this.more = this.section.querySelector(".more");
    this.entries = entriesOf(kind);
    this.shown = this.entries;
    this.whole = false;
    this.more.addEventListener("click", () => this.toggle());
  }

  toggle() {
    this.whole = !this.whole;
    this.draw();
    if (!this.whole) this.section.scrollIntoView({ block: "start" });
  }

  // Returns how many pictures are left.
  filter(fits, compare) {
    this.shown = this.entries.filter((entry) => entry.members.some(([at, item]) => fits(this.kind, at, item)));
    if (compare) this.shown = [...this.shown].sort(compare);
    this.section.hidden = !this.shown.length;
    this.whole &&= this.shown.length > FIRST[this.kind.form];
    return this.shown.reduce((sum, entry) => sum + entry.members.length, 0);
  }

  draw() {
    for (const chunk of this.root.children) near.unobserve(chunk);
    this.root.replaceChildren();
    const { length } = this.shown;
    const size = this.whole ? CHUNK[this.kind.form] : FIRST[this.kind.form];
    const end = this.whole ? length : Math.min(size, length);
    for (let start = 0; start < end; start += size) this.addChunk(start, Math.min(end, start + size));
    const what = this.kind.form === "groups" ? "group" : "picture";
    this.tally.textContent = end < length ? `${number(end)} of ${plural(length, what)} shown` : plural(length, what);
    this.more.hidden = length <= FIRST[this.kind.form];
    this.more.textContent = this.whole ? "Show fewer" : `Show all ${plural(length, what)}`;
    this.more.setAttribute("aria-expanded", this.whole);
  }

  addChunk(start, end) {
    const chunk = h("ul", { class: `chunk ${this.kind.form}` });
    Object.assign(chunk, { owner: this, range: [start, end] });
    this.root.append(chunk);
    if (start === 0) {
      this.fill(chunk);
      // Reading a height makes the browser lay out the page at once: only where chunks follow that need it.
      if (end < this.shown.length && this.whole) this.each = chunk.offsetHeight / (end - start);
    } else {
      chunk.style.minHeight = `${Math.round(this.each * (end - start))}px`;
    }
    if (this.whole) near.observe(chunk);
  }

  fill(chunk) {
    if (chunk.childElementCount) return;
    chunk.append(...this.shown.slice(...chunk.range).map((entry) => drawEntry(this.kind, entry)));
    chunk.style.minHeight = "";
  }

  // Far from the window a chunk keeps its height and nothing else: twenty thousand cards would slow any browser down.
  look(chunk, isNear) {
    if (isNear) this.fill(chunk);
    else if (chunk.childElementCount && !chunk.contains(document.activeElement)) {
      chunk.style.minHeight = `${chunk.offsetHeight}px`;
      chunk.replaceChildren();
    }
  }
}

const parts = kinds.map((kind) => new Part(kind));

// ---- what is asked for ----

const form = document.getElementById("filters");
const fields = form.elements;

const haystacks = [];
function haystack(at) {
  return (haystacks[at] ??= [
    sources[at],
    titleOf(manifest.given[at]),
    manifest.reasons[manifest.reason[at]],
    ...(found.get(at) ?? []).map((item) => `${items.suggestions[items.suggestion[item]]} ${titleOf(items.suggested[item])}`),
  ]
    .join(" ")
    .toLowerCase());
}

// "row 5" and "rows 5 23", as the cards say it, are rows. So are bare numbers, "5 23 100-120", where there are such.
// Anything else is text that must all be there.
function textFilter(text) {
  const words = text.trim().toLowerCase().split(/[\s,;]+/).filter(Boolean);
  if (!words.length) return () => true;
  const numbers = words.filter((word) => !/^rows?$/.test(word));
  if (numbers.length && numbers.every((word) => /^#?\d+(-\d+)?$/.test(word))) {
    const ranges = numbers.map((word) => word.replace("#", "").split("-").map(Number));
    const named = (row) => ranges.some(([low, high = low]) => row >= low && row <= high);
    // File names end in numbers too: a bare one that is no row is looked for there.
    if (numbers.length < words.length || manifest.row.some(named)) return (at) => named(manifest.row[at]);
  }
  return (at) => words.every((word) => haystack(at).includes(word));
}

function wanted() {
  const chosen = new Set([...form.querySelectorAll("[name=kind]:checked")].map((box) => box.value));
  const label = fields.class && fields.class.value !== "" ? Number(fields.class.value) : null;
  const least = Number(fields.score.value) / 100;
  const decisionKind = fields.decision.value;
  const says = textFilter(fields.text.value);
  return (kind, at, item) => {
    if (chosen.size && !chosen.has(kind.key)) return false;
    if (label !== null && manifest.given[at] !== label && (item === null || items.suggested[item] !== label)) return false;
    if (least > 0 && (item === null || items.score[item] < least)) return false;
    if (decisionKind === "hand" ? !decided.has(at) : decisionKind && ACTIONS[stateOf(at).action] !== decisionKind) return false;
    return says(at);
  };
}

const ORDERS = {
  sure: null,
  unsure: (a, b) => a.score - b.score,
  row: (a, b) => a.members[0][0] - b.members[0][0],
};

// The first view comes first: parts further down are drawn when the browser has nothing else to do.
let undrawn = [];
let drawing = false;

function drawParts() {
  undrawn = parts.filter((part) => part.shown.length || part.root.childElementCount);
  if (!drawing) drawNext();
}

function drawNext() {
  drawing = undrawn.length > 0;
  document.documentElement.toggleAttribute("data-drawn", !drawing);
  if (!drawing) return;
  undrawn.shift().draw();
  (window.requestIdleCallback ?? setTimeout)(drawNext, { timeout: 200 });
}

function drawAll() {
  undrawn.splice(0).forEach((part) => part.draw());
}

window.addEventListener("beforeprint", drawAll);

function applyFilters() {
  const fits = wanted();
  fields.least.value = (Number(fields.score.value) / 100).toFixed(2);
  const left = parts.map((part) => part.filter(fits, ORDERS[fields.order.value]));
  drawParts();
  const pictures = matching().length;
  document.getElementById("found").textContent = plural(pictures, "picture");
  document.getElementById("bulk").options[0].textContent = `All ${number(pictures)} filtered…`;
  document.getElementById("nothing").hidden = !parts.length || left.some((count) => count > 0);
  document.querySelectorAll("[data-part]").forEach((link) => {
    link.classList.toggle("off", !left[kinds.findIndex((kind) => kind.key === link.dataset.part)]);
  });
}

// The places of all pictures that the filters leave, also of those not drawn yet.
function matching() {
  const fits = wanted();
  const places = new Set();
  for (const part of parts) {
    for (const entry of part.shown) for (const [at, item] of entry.members) if (fits(part.kind, at, item)) places.add(at);
  }
  return [...places];
}
