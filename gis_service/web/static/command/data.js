// What the server was asked and answered: one copy by address, with its ETag; a second look costs a few bytes.

const KEPT = 80;

export class Answers {
  #kept = new Map();

  // The answer kept under an address, else a new one.
  async get(url) {
    const kept = this.#kept.get(url);
    if (kept) {
      this.#kept.delete(url);
      this.#kept.set(url, kept);
      return kept.body;
    }
    return (await this.#ask(url)).body;
  }

  // Ask again; returns true when the answer is another than before.
  async renew(url) {
    const before = this.#kept.get(url)?.tag;
    return (await this.#ask(url)).tag !== before;
  }

  async #ask(url) {
    const kept = this.#kept.get(url);
    const headers = kept ? { "If-None-Match": kept.tag } : {};
    const answer = await fetch(url, { headers, credentials: "same-origin", cache: "no-store" });
    if (answer.status === 304) return kept;
    if (answer.status === 401 || answer.redirected) location.reload();
    if (!answer.ok) throw new Error(`${answer.status} ${url}`);
    const found = { tag: answer.headers.get("ETag"), body: await answer.json() };
    this.#kept.delete(url);
    this.#kept.set(url, found);
    while (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value);
    return found;
  }
}
