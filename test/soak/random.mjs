/**
 * A sequence of random choices that its seed decides, the same on every machine. The same seed and labels give the same choices, so
 * that a request which carries its seed decides what the hooks of the app do with it.
 */
export class Random {
  #state;

  /** @param seed a number or any text */
  constructor(seed) {
    this.seed = String(seed);
    this.#state = hash(this.seed);
  }

  /** A sequence of its own, which does not depend on how much of this one was used. */
  fork(label) {
    return new Random(`${this.seed}/${label}`);
  }

  /** From 0 to below 1 (mulberry32). */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to below `limit`. */
  below(limit) {
    return Math.floor(this.next() * limit);
  }

  between(least, most) {
    return least + this.below(most - least + 1);
  }

  chance(probability) {
    return this.next() < probability;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  bytes(length) {
    const bytes = Buffer.alloc(length);
    for (let index = 0; index < length; index++) bytes[index] = this.below(256);
    return bytes;
  }
}

/** FNV-1a over UTF-16 units, 32 bits. */
function hash(text) {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value;
}
