// What the page was told, and the decisions made on it.

const data = JSON.parse(document.getElementById("audit-data").textContent);
const { manifest, items, kinds } = data;
const ACTIONS = ["keep", "drop", "relabel"];
const [KEEP, DROP, RELABEL] = [0, 1, 2];
const ROWS = manifest.row.length;
const OTHERS = "others";

const sources = [];
for (let at = 0; at < ROWS; at++) {
  sources.push((at ? sources[at - 1].slice(0, manifest.shared[at]) : "") + manifest.rest[at]);
}

// Findings of each place in the manifest.
const found = new Map();
items.at.forEach((at, item) => (found.has(at) ? found.get(at).push(item) : found.set(at, [item])));

const titleOf = (label) => (label < 0 ? "no label" : data.titles[label]);
const kindOf = (item) => kinds[items.kind[item]];
const number = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, ",");
const plural = (count, one) => `${number(count)} ${count === 1 ? one : one + "s"}`;

// The machine's folders are of no use to a reader; a relative path says something of the data and stays.
function shortName(source) {
  return /^([A-Za-z]:[\\/]|\/|~\/|file:)/.test(source) ? source.split(/[\\/]/).pop() || source : source;
}

// ---- decisions: each one made by hand overrides what the policy says of that row ----

const STORE = `smearlab-audit:${data.key}`;
const decided = new Map();
const past = [];
const listeners = [];

const policyOf = (at) => ({ action: manifest.action[at], label: manifest.label[at] });
const stateOf = (at) => decided.get(at) ?? policyOf(at);

function decision(at, action, label = -1) {
  if (action !== RELABEL) return { action, label: manifest.given[at] };
  return label === manifest.given[at] ? { action: KEEP, label } : { action, label };
}

// `changes` lists places with their decision; null goes back to the policy. One call is one step of undo.
function decide(changes, remember = true) {
  const before = [];
  for (const [at, wanted] of changes) {
    const policy = policyOf(at);
    const same = wanted && wanted.action === policy.action && (wanted.action !== RELABEL || wanted.label === policy.label);
    const now = same ? null : wanted;
    const old = decided.get(at) ?? null;
    if (old === now || (old && now && old.action === now.action && old.label === now.label)) continue;
    before.push([at, old]);
    if (now) decided.set(at, now);
    else decided.delete(at);
  }
  if (!before.length) return 0;
  if (remember) past.push(before);
  save();
  for (const listener of listeners) listener(before.map(([at]) => at));
  return before.length;
}

function undo() {
  const step = past.pop();
  return step ? decide(step, false) : 0;
}

// A browser may refuse to keep anything (private windows, full disk); the page must go on without.
function save() {
  const kept = [...decided].map(([at, { action, label }]) => [manifest.row[at], action, label < 0 ? "" : data.classes[label]]);
  try {
    if (kept.length) localStorage.setItem(STORE, JSON.stringify(kept));
    else localStorage.removeItem(STORE);
  } catch {
    document.getElementById("not-kept").hidden = false;
  }
}

function restore() {
  let kept = [];
  try {
    kept = JSON.parse(localStorage.getItem(STORE) ?? "[]");
  } catch {
    return;
  }
  const places = new Map(manifest.row.map((row, at) => [row, at]));
  for (const [row, action, name] of kept) {
    const at = places.get(row);
    if (at !== undefined && ACTIONS[action]) decided.set(at, { action, label: data.classes.indexOf(name) });
  }
}

// ---- the manifest, quoted as Python's csv module does it ----

const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function manifestText() {
  const lines = ["row,source,action,label,reason"];
  for (let at = 0; at < ROWS; at++) {
    const { action, label } = stateOf(at);
    const reason = decided.has(at) ? "by hand" : manifest.reasons[manifest.reason[at]];
    const name = label < 0 ? "" : data.classes[label];
    lines.push([manifest.row[at], quoted(sources[at]), ACTIONS[action], quoted(name), quoted(reason)].join(","));
  }
  return lines.join("\n") + "\n";
}

function download() {
  const url = URL.createObjectURL(new Blob([manifestText()], { type: "text/csv" }));
  const link = h("a", { href: url, download: "manifest.csv" });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

// ---- elements; texts are always set as text, never as HTML, because names come from the data ----

function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "style") made.style.cssText = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const swatch = (label) => h("i", { class: "swatch", style: `--c:${label < 0 ? "#888888" : data.colours[label]}` });
