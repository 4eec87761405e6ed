// Cards: one picture, a group of copies, or a doubtful label, each with its decision.

const rules = h("style");
document.head.append(rules);
const ready = new Set();
const waiting = new Map();

// Sheets stand at the end of the page as text, and become pictures when a card asks for the first of them.
function useSheet(set, sheet) {
  const name = `t${set}-${sheet}`;
  if (ready.has(name)) return name;
  const text = document.getElementById(`sheet-${set}-${sheet}`);
  if (text) {
    const chars = atob(text.textContent.trim());
    const bytes = new Uint8Array(chars.length);
    for (let place = 0; place < chars.length; place++) bytes[place] = chars.charCodeAt(place);
    const url = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
    rules.sheet.insertRule(`.${name}{background-image:url("${url}")}`);
    text.remove();
    ready.add(name);
  } else if (document.readyState === "loading" && !waiting.has(name)) {
    waiting.set(name, [set, sheet]);
    if (waiting.size === 1) requestAnimationFrame(retry);
  }
  return name;
}

function retry() {
  const again = [...waiting.values()];
  waiting.clear();
  for (const [set, sheet] of again) useSheet(set, sheet);
}
document.addEventListener("DOMContentLoaded", retry);

// Where thumbnail `thumb` lies: the class that holds its sheet, and its place there as CSS.
function lookOf(thumb) {
  const set = thumb < data.sheets[0][1] ? 0 : 1;
  const local = thumb - (set ? data.sheets[0][1] : 0);
  const sheet = Math.floor(local / 64);
  const place = local % 64;
  const lines = Math.min(8, Math.ceil((data.sheets[set][1] - sheet * 64) / 8));
  const x = ((place % 8) / 7) * 100;
  const y = lines > 1 ? (Math.floor(place / 8) / (lines - 1)) * 100 : 0;
  return { name: useSheet(set, sheet), style: `background-size:800% ${lines * 100}%;background-position:${x}% ${y}%` };
}

function picture(thumb, attributes = {}, tag = "span") {
  if (thumb < 0) return h(tag, { ...attributes, class: `pic none ${attributes.class ?? ""}` }, h("span", {}, "no picture"));
  const look = lookOf(thumb);
  return h(tag, { ...attributes, class: `pic ${look.name} ${attributes.class ?? ""}`, style: look.style });
}

function describe(at, item) {
  const parts = [`Row ${manifest.row[at]}, ${shortName(sources[at])}, labelled ${titleOf(manifest.given[at])}`];
  if (item !== null) parts.push(`${kindOf(item).short}, score ${items.score[item].toFixed(2)}`);
  if (item !== null && items.suggested[item] >= 0) parts.push(`looks like ${titleOf(items.suggested[item])}`);
  return parts.join(", ");
}

function openButton(at, item) {
  const label = `${describe(at, item)}. Open`;
  return picture(manifest.thumb[at], { class: "main", type: "button", "aria-label": label, title: sources[at] }, "button");
}

// ---- decisions on one picture ----

function actionBar(at, suggested = -1) {
  const buttons = [actionButton("Keep", KEEP), actionButton("Drop", DROP)];
  if (suggested >= 0) buttons.splice(1, 0, actionButton(`Relabel: ${titleOf(suggested)}`, RELABEL, suggested));
  if (data.known) buttons.push(actionButton(suggested >= 0 ? "Other…" : "Relabel", RELABEL));
  return h("div", { class: "acts", role: "group", "aria-label": `Decision for row ${manifest.row[at]}` }, ...buttons);
}

function actionButton(text, action, label = null) {
  return h("button", { type: "button", "data-do": action, "data-label": label, "aria-pressed": "false" }, text);
}

function cell(at, item, withScore = true) {
  const card = h(
    "li",
    { class: "cell", "data-at": at },
    openButton(at, item),
    h("p", { class: "row" }, h("span", {}, `row ${manifest.row[at]}`), withScore && item !== null && h("b", {}, items.score[item].toFixed(2))),
    data.known ? h("p", { class: "label" }, swatch(manifest.given[at]), titleOf(manifest.given[at])) : null,
    h("p", { class: "source", title: sources[at] }, shortName(sources[at])),
    data.undecodable[at] ? h("p", { class: "why" }, data.undecodable[at]) : null,
    h("p", { class: "fate" }),
    actionBar(at),
  );
  return show(card);
}

// Bring a card up to date with the decision that holds for its picture.
function show(card) {
  const at = Number(card.dataset.at);
  const { action, label } = stateOf(at);
  card.dataset.action = ACTIONS[action];
  card.toggleAttribute("data-hand", decided.has(at));
  const words = action === KEEP ? "kept" : action === DROP ? "dropped" : `relabelled ${titleOf(label)}`;
  const fate = card.querySelector(".fate");
  if (fate) fate.textContent = decided.has(at) ? `${words} by hand` : words;
  const buttons = [...card.querySelectorAll(".acts button")];
  const exact = buttons.find((button) => button.dataset.label !== undefined && Number(button.dataset.label) === label);
  for (const button of buttons) {
    const same = Number(button.dataset.do) === action;
    const pressed = same && (action !== RELABEL || (exact ? button === exact : button.dataset.label === undefined));
    button.setAttribute("aria-pressed", pressed);
  }
  return card;
}

// ---- a group of copies ----

const FIRST_COPIES = 12;

function group(entry) {
  const list = h("ul", { class: "cells" });
  const more = h("button", { type: "button", class: "quiet" });
  let shown = 0;
  const extend = (count) => {
    list.append(...entry.members.slice(shown, shown + count).map(([at, item]) => cell(at, item, false)));
    shown = Math.min(entry.members.length, shown + count);
    more.textContent = `Show more of this group: ${number(entry.members.length - shown)} left`;
    more.hidden = shown >= entry.members.length;
  };
  more.addEventListener("click", () => extend(240));
  extend(FIRST_COPIES);
  const acts = [
    ["Keep first", (place) => (place ? DROP : KEEP)],
    ["Keep all", () => KEEP],
    ["Drop all", () => DROP],
  ].map(([text, choose]) => {
    const change = () => decide(entry.members.map(([at], place) => [at, decision(at, choose(place))]));
    return h("button", { type: "button", onclick: change }, text);
  });
  const name = `${plural(entry.members.length, "copy").replace("copys", "copies")}`;
  return h(
    "li",
    { class: "group", "data-many": entry.members.length > 4 },
    h(
      "div",
      { class: "head" },
      h("h3", {}, name),
      h("span", { class: "score", title: "score" }, h("span", { class: "hidden" }, "score "), entry.score.toFixed(2)),
      h("div", { class: "acts", role: "group", "aria-label": "Decision for the group" }, ...acts),
    ),
    list,
    more,
  );
}

// ---- a doubtful label ----

function strip(label) {
  const typical = label < 0 ? [] : data.typical[label].slice(0, 4);
  const alt = `Typical ${titleOf(label)}`;
  return h(
    "div",
    { class: "typical" },
    h("p", {}, swatch(label), `typical ${titleOf(label)}`),
    h("div", { class: "strip4", role: "img", "aria-label": alt }, ...typical.map((thumb) => picture(thumb))),
  );
}

function doubt(at, item) {
  const [given, seen] = [manifest.given[at], items.suggested[item]];
  const card = h(
    "li",
    { class: "cell doubt", "data-at": at },
    openButton(at, item),
    h(
      "div",
      { class: "about" },
      h("p", { class: "says" }, "labelled ", h("b", { class: "given" }, titleOf(given)), ", looks like ", h("b", { class: "seen" }, titleOf(seen))),
      h("p", { class: "row" }, h("span", {}, `row ${manifest.row[at]}`), h("b", {}, items.score[item].toFixed(2)), h("span", { class: "source", title: sources[at] }, shortName(sources[at]))),
      h("div", { class: "beside" }, strip(given), seen >= 0 ? strip(seen) : null),
      h("p", { class: "fate" }),
    ),
    actionBar(at, seen),
  );
  return show(card);
}
