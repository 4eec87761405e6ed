// One picture as a card, and what is said about it in words.

import { make, sureness } from "./dom.js";

const WORTH_TELLING = 0.005;
const SHOWN = 3; // classes on a card; the view of one picture has all

/** What a picture turned out to be: error, other (no cell), unsure, or cell. */
export function kindOf(row) {
  if (row.error) return "error";
  if (!row.is_cell) return "other";
  return (row.prediction_set?.length ?? 1) !== 1 || row.confidence < 0.7 ? "unsure" : "cell";
}

export function card(item, classes) {
  const kind = kindOf(item.row);
  const button = make("button", { class: `card ${kind === "other" ? "doubtful" : ""}`, type: "button" }, photo(item), words(item, classes));
  button.setAttribute("aria-label", `${item.path}: ${inWords(item.row, classes)}. Open.`);
  return make("li", {}, button);
}

export function inWords(row, classes) {
  if (row.error) return row.error;
  const named = `${titleOf(row.label, classes)}, ${sureness(row.confidence)}`;
  return row.is_cell ? named : `not a cell; nearest is ${named}`;
}

/** The bars of the most probable classes, or of all. */
export function chances(row, classes, number = SHOWN) {
  const ranked = classes.map((one) => ({ ...one, chance: row[`p_${one.name}`] })).sort((a, b) => b.chance - a.chance);
  const told = ranked.filter((one, place) => place === 0 || number > SHOWN || one.chance >= WORTH_TELLING);
  return make("div", { class: "chances" }, ...told.slice(0, number).map(bar));
}

export function verdict(row, classes) {
  return make("div", { class: "verdict" }, make("b", {}, titleOf(row.label, classes)), make("span", {}, sureness(row.confidence)));
}

/** The prediction set in words, where the model has one and it says more than the label. */
export function also(row, classes) {
  if (row.is_cell && row.prediction_set?.length === 0) return make("span", { class: "also" }, "Typical of no class");
  const others = (row.prediction_set ?? []).filter((name) => name !== row.label).map((name) => titleOf(name, classes));
  return others.length ? make("span", { class: "also" }, `Could also be ${others.join(", ")}`) : null;
}

export function badge(row) {
  const kind = kindOf(row);
  if (kind === "other") return make("span", { class: "badge" }, "not a cell");
  if (kind === "unsure") return make("span", { class: "badge" }, "unsure");
  return kind === "error" ? make("span", { class: "badge bad" }, "unreadable") : null;
}

/** An <img> of the picture; where the browser cannot show it, words stay in its place. */
export function image(item, alt = "") {
  const picture = make("img", { src: item.thumbnail ?? item.url, alt, loading: "lazy", decoding: "async" });
  picture.addEventListener("error", () => picture.replaceWith("no preview"));
  return picture;
}

function photo(item) {
  return make("span", { class: "photo" }, image(item), badge(item.row));
}

function words({ row, path }, classes) {
  const name = make("span", { class: "name", title: path }, path.split("/").at(-1));
  if (row.error) return make("span", { class: "words" }, make("span", { class: "also" }, row.error), name);
  return make("span", { class: "words" }, verdict(row, classes), name, chances(row, classes), also(row, classes));
}

function bar({ title, colour, chance }) {
  const filled = make("i", { class: "shade", "--shade": colour, "--share": `${100 * chance}%` });
  return make("div", { class: "chance" }, make("span", {}, title), make("span", {}, sureness(chance)), make("div", { class: "track" }, filled));
}

function titleOf(name, classes) {
  return classes.find((one) => one.name === name)?.title ?? name;
}
