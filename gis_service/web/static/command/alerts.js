// What calls for attention; each leads to its place.
import { fill, make, words } from "./page.js";

export class Alerts {
  #shown = "";

  constructor(element, onPick) {
    this.element = element;
    this.onPick = onPick;
  }

  show(answer) {
    const key = JSON.stringify(answer);
    if (this.#shown === key) return;
    this.#shown = key;
    const parts = answer.kinds.filter(({ total }) => total).flatMap(({ kind, title, total, items }) => [
      make("h3", {}, `${title} · ${fill(words.more, { count: total })}`),
      make("ul", { "data-kind": kind }, ...items.map((item) =>
        make("li", {}, make("button", { type: "button", onclick: () => this.onPick(item.area_id) }, item.name, make("small", {}, item.text))))),
    ]);
    this.element.replaceChildren(make("h2", {}, words.alerts), ...(parts.length ? parts : [make("p", { class: "quiet" }, words.no_alerts)]));
  }
}
