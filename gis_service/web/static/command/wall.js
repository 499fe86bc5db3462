// A wall shows one place and one indicator after another, and looks for newer data; it never makes, only changes.

const INDICATORS = ["load", "difficulty", "hotspots", "mismatches", "waiting"];

export class Wall {
  #turn = 0;
  #busy = false;

  constructor({ rotateS, refreshS, places, go, refresh }) {
    Object.assign(this, { places, go });
    this.refreshing = setInterval(() => this.#alone(refresh), refreshS * 1000);
    this.rotateMs = rotateS * 1000;
  }

  get busy() {
    return this.#busy;
  }

  get running() {
    return Boolean(this.rotating);
  }

  start() {
    this.rotating ??= setInterval(() => this.#alone(() => this.next()), this.rotateMs);
  }

  stop() {
    clearInterval(this.rotating);
    this.rotating = undefined;
  }

  async next() {
    const places = this.places();
    this.#turn += 1;
    const indicator = INDICATORS[Math.floor(this.#turn / places.length) % INDICATORS.length];
    await this.go({ place: places[this.#turn % places.length], indicator });
  }

  // One thing at a time: a slow line must not pile up work.
  async #alone(work) {
    if (this.#busy) return;
    this.#busy = true;
    try {
      await work();
    } catch {
      // the line is down; what is shown stays, and the next turn tries again
    } finally {
      this.#busy = false;
    }
  }
}
