/** What went wrong, each kind once with its first reproduction, and how often. */
export class Failures {
  #byKey = new Map();

  /**
   * @param kind e.g. `no answer`
   * @param what tells kinds of one kind apart
   * @param details what is needed to see it again
   * @returns the entry when it is the first of its kind
   */
  add(app, kind, what, details) {
    const key = `${app}: ${kind}: ${what}`;
    const known = this.#byKey.get(key);
    if (known) {
      known.count++;
      return undefined;
    }
    const entry = { key, count: 1, details: [...details] };
    this.#byKey.set(key, entry);
    return entry;
  }

  get list() {
    return [...this.#byKey.values()];
  }
}
