// Find an area by name or code, or an address by any part of it; arrows and Enter choose.
import { make, words } from "./page.js";

const WAIT_MS = 250;

export class Search {
  #asked = 0;
  #at = -1;
  #found = [];

  constructor(input, list, { areas, addresses, onPick }) {
    Object.assign(this, { input, list, areas, addresses, onPick });
    let timer;
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.#search(input.value.trim()), WAIT_MS);
    });
    input.addEventListener("keydown", (event) => this.#key(event));
    input.form.addEventListener("submit", (event) => event.preventDefault());
    document.addEventListener("click", ({ target }) => input.form.contains(target) || this.#close());
  }

  async #search(text) {
    const asked = ++this.#asked;
    if (!text) return this.#close();
    this.#offer(this.areas(text));
    const more = await this.addresses(text).catch(() => []);
    if (asked === this.#asked) this.#offer([...this.areas(text), ...more]);
  }

  #offer(found) {
    this.#found = found;
    this.#at = -1;
    const rows = found.map((each, place) =>
      make("li", { role: "option", id: `cc-found-${place}`, "aria-selected": "false", onclick: () => this.#pick(each) }, each.name, make("small", {}, each.hint)));
    this.list.replaceChildren(...(rows.length ? rows : [make("li", { role: "option", "aria-disabled": "true", "aria-selected": "false" }, words.nothing_found)]));
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
  }

  #key(event) {
    if (event.key === "Escape") this.#close();
    if (event.key === "Enter" && this.#found.length) this.#pick(this.#found[Math.max(this.#at, 0)]);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !this.#found.length) return;
    event.preventDefault();
    this.list.children[this.#at]?.setAttribute("aria-selected", "false");
    this.#at = (this.#at + step + this.#found.length) % this.#found.length;
    this.list.children[this.#at].setAttribute("aria-selected", "true");
    this.list.children[this.#at].scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", `cc-found-${this.#at}`);
  }

  #pick(each) {
    this.#close();
    this.input.value = "";
    this.onPick(each);
  }

  #close() {
    this.#asked += 1;
    this.#found = [];
    this.list.hidden = true;
    this.list.replaceChildren();
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}
