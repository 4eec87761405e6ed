// The differential count as a chart: a bar for each type with the interval of its value. SVG, drawn by hand.

import { percent } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const ROW = 42;
const STEPS = [0.25, 0.5, 0.75, 1];

/** Draw the answer of /differential, in its order; the bars reach to the widest interval. Platelets have a number only. */
export function chart(count, classes) {
  const colours = Object.fromEntries(classes.map(({ name, colour }) => [name, colour]));
  const widest = Math.max(...count.lines.filter(isTold).map((line) => line.high / 100), 0.25);
  const full = STEPS.find((step) => step >= widest) ?? 1;
  const heights = count.lines.map((line) => (line.group === "platelet" ? ROW / 2 : ROW));
  const svg = node("svg", { height: heights.reduce((sum, one) => sum + one, 0), role: "img", "aria-label": inWords(count) });
  let top = 0;
  count.lines.forEach((line, number) => {
    svg.append(...row(line, colours[line.name], top, full));
    top += heights[number];
  });
  return svg;
}

/** Whether there is a share to draw: cells, and something to count them against. */
const isTold = (line) => line.count > 0 && line.high !== null;

function row(line, colour, top, full) {
  const at = (value) => `${Math.min(100, value / full)}%`;
  const bar = { y: top + 20, height: 10, rx: 5 };
  const name = node("text", { x: 0, y: top + 13, class: line.count ? "" : "none" }, line.title);
  const value = node("text", { x: "100%", y: top + 13, class: line.count ? "value" : "value none" });
  value.append(line.count ? valueOf(line) : "–");
  if (line.group === "platelet") return [name, value];
  const track = node("rect", { x: 0, width: "100%", class: "track", ...bar });
  if (!isTold(line)) return [name, track, value];
  value.append(node("tspan", { class: "ends", dx: 6 }, `${Math.round(line.low)}–${Math.round(line.high)}`));
  const filled = node("rect", { x: 0, width: at(line.value), class: "shade", ...bar });
  filled.style.setProperty("--shade", colour);
  return [name, track, filled, ...interval(at(line.low), at(line.high), top + 25), value];
}

/** The value with its unit, as short as it can be. */
function valueOf({ group, value, count }) {
  if (group === "platelet") return `${count.toLocaleString("en")} counted`;
  if (value === null) return `${count.toLocaleString("en")} counted`;
  return group === "erythroblast" ? `${value.toFixed(1)} per 100` : percent(value / 100);
}

function interval(low, high, y) {
  const lines = [[low, high, y, y], [low, low, y - 4, y + 4], [high, high, y - 4, y + 4]];
  // A pale line below the dark one, so that it can be seen on a dark bar as well.
  return ["halo", "interval"].flatMap((kind) => lines.map(([x1, x2, y1, y2]) => node("line", { x1, x2, y1, y2, class: kind })));
}

function inWords(count) {
  const words = count.lines.filter((line) => line.count).map((line) => {
    const ends = isTold(line) ? ` (${Math.round(line.low)} to ${Math.round(line.high)})` : "";
    return `${line.title} ${valueOf(line)}${ends}`;
  });
  return words.length ? `Differential count: ${words.join(", ")}.` : "Differential count: no cells yet.";
}

function node(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
