// Twelve months as a line, with a table for whoever cannot see it.
import { count, make, words } from "./page.js";

const WIDTH = 320;
const HEIGHT = 116;
const EDGE = { left: 4, right: 4, top: 22, bottom: 18 };

function draw(name, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export function trend({ days, migrants }) {
  const low = Math.min(...migrants);
  const high = Math.max(...migrants);
  const span = Math.max(high - low, high * 0.04, 1);
  const x = (at) => EDGE.left + (at / Math.max(days.length - 1, 1)) * (WIDTH - EDGE.left - EDGE.right);
  const y = (number) => EDGE.top + (1 - (number - low) / span) * (HEIGHT - EDGE.top - EDGE.bottom);
  const line = migrants.map((number, at) => `${at ? "L" : "M"}${x(at).toFixed(1)} ${y(number).toFixed(1)}`).join("");
  const floor = HEIGHT - EDGE.bottom;
  const last = migrants.length - 1;
  const picture = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${words.trend}: ${count(migrants[0])} → ${count(migrants[last])}` },
    draw("line", { x1: EDGE.left, x2: WIDTH - EDGE.right, y1: floor, y2: floor }),
    draw("path", { d: line }),
    draw("circle", { cx: x(last), cy: y(migrants[last]), r: 4 }),
    draw("text", { x: x(0), y: Math.max(y(migrants[0]) - 7, 12) }, count(migrants[0])),
    draw("text", { class: "now", x: x(last), y: Math.max(y(migrants[last]) - 9, 13), "text-anchor": "end" }, count(migrants[last])),
    draw("text", { x: x(0), y: HEIGHT - 4 }, days[0].slice(0, 7)),
    draw("text", { x: x(last), y: HEIGHT - 4, "text-anchor": "end" }, days[last]),
  );
  const rows = days.map((day, at) => make("tr", {}, make("th", { scope: "row" }, day), make("td", {}, count(migrants[at]))));
  const table = make("table", { class: "unseen" }, make("caption", {}, words.trend), make("tbody", {}, ...rows));
  return make("div", { class: "cc-trend" }, picture, table);
}
