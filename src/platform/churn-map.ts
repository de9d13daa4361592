/**
 * A Map for what comes and goes all the time. V8 leaves each outgrown table of a Map linked to the one after it, so
 * that one dead table among the old objects keeps alive all later ones and what was in them: everything that ever
 * passed through is then copied by the young collections, and freed only by a full one. Here the tables hold
 * boxes, which are emptied when their value is deleted. Keys are plain for the same reason. In order of insertion.
 */
export class ChurnMap<K extends string | number, V> {
  readonly #boxes = new Map<K, { value: V | undefined }>();

  get size(): number {
    return this.#boxes.size;
  }

  get(key: K): V | undefined {
    return this.#boxes.get(key)?.value;
  }

  has(key: K): boolean {
    return this.#boxes.has(key);
  }

  set(key: K, value: V): void {
    const box = this.#boxes.get(key);
    if (box) box.value = value;
    else this.#boxes.set(key, { value });
  }

  /** False when it was not there. */
  delete(key: K): boolean {
    const box = this.#boxes.get(key);
    if (!box) return false;
    box.value = undefined;
    return this.#boxes.delete(key);
  }

  *[Symbol.iterator](): Generator<[K, V]> {
    for (const [key, { value }] of this.#boxes) if (value !== undefined) yield [key, value];
  }

  keys(): MapIterator<K> {
    return this.#boxes.keys();
  }

  *values(): Generator<V> {
    for (const [, value] of this) yield value;
  }
}
