// The differential count as a chart: a bar for each type with the interval of its share. SVG, drawn by hand.

import { percent } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const ROW = 42;
const STEPS = [0.25, 0.5, 0.75, 1];

/** Draw the answer of /differential, types in the model's order; the bars reach to the widest interval. */
export function chart(count, classes) {
  const colours = Object.fromEntries(classes.map(({ name, colour }) => [name, colour]));
  const widest = Math.max(...count.shares.filter((share) => share.count).map((share) => share.high), 0.25);
  const full = STEPS.find((step) => step >= widest) ?? 1;
  const svg = node("svg", { height: ROW * count.shares.length, role: "img", "aria-label": inWords(count) });
  count.shares.forEach((share, number) => svg.append(...row(share, colours[share.name], number * ROW, full, count.cells)));
  return svg;
}

function row(share, colour, top, full, cells) {
  const at = (value) => `${Math.min(100, (100 * value) / full)}%`;
  const bar = { y: top + 20, height: 10, rx: 5 };
  const name = node("text", { x: 0, y: top + 13, class: share.count ? "" : "none" }, share.title);
  const track = node("rect", { x: 0, width: "100%", class: "track", ...bar });
  if (!cells) return [name, track];
  const value = node("text", { x: "100%", y: top + 13, class: share.count ? "value" : "value none" });
  value.append(share.count ? percent(share.share) : "–");
  if (!share.count) return [name, track, value];
  const ends = node("tspan", { class: "ends", dx: 6 }, `${Math.round(100 * share.low)}–${Math.round(100 * share.high)}`);
  value.append(ends);
  const filled = node("rect", { x: 0, width: at(share.share), class: "shade", ...bar });
  filled.style.setProperty("--shade", colour);
  return [name, track, filled, ...interval(at(share.low), at(share.high), top + 25), value];
}

function interval(low, high, y) {
  const lines = [[low, high, y, y], [low, low, y - 4, y + 4], [high, high, y - 4, y + 4]];
  return lines.map(([x1, x2, y1, y2]) => node("line", { x1, x2, y1, y2, class: "interval" }));
}

function inWords(count) {
  const found = count.shares.filter((share) => share.count);
  const words = found.map((share) => `${share.title} ${percent(share.share)} (${percent(share.low)} to ${percent(share.high)})`);
  return words.length ? `Differential count: ${words.join(", ")}.` : "Differential count: no cells yet.";
}

function node(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
