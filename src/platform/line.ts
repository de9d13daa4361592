import { ChurnMap } from './churn-map.ts';

interface Spot<Item> {
  item: Item;
  ticket: number;
  /** Monotonic, ms. */
  since: number;
}

/** Those who wait, in their order. Which place in it somebody has is told without counting the others. */
export class Line<Item extends { readonly id: string }> {
  readonly #spots = new ChurnMap<string, Spot<Item>>();
  #next = 0;
  /** All tickets before this one have left. */
  #first = 0;
  /** Rising: those after it that have left. */
  readonly #left: number[] = [];

  get size(): number {
    return this.#spots.size;
  }

  /** Behind the others; one who stands in it already keeps its place. */
  add(item: Item): void {
    const spot = this.#spots.get(item.id);
    if (spot) spot.item = item;
    else this.#spots.set(item.id, { item, ticket: this.#next++, since: performance.now() });
  }

  /** Before the others. Counts them all: for what is rare. */
  putFirst(item: Item): void {
    const all = [...this.#spots.values()];
    for (const { item } of all) this.delete(item);
    this.add(item);
    for (const { item: other, since } of all)
      if (other.id !== item.id) this.#spots.set(other.id, { item: other, ticket: this.#next++, since });
  }

  has(item: Item): boolean {
    return this.#spots.get(item.id)?.item === item;
  }

  /** False when it was not in it. */
  delete(item: Item): boolean {
    const spot = this.#spots.get(item.id);
    if (spot?.item !== item) return false;
    this.#spots.delete(item.id);
    if (spot.ticket === this.#first) this.#skip();
    else this.#left.splice(this.#leftBefore(spot.ticket), 0, spot.ticket);
    return true;
  }

  /** 1 is the next; null when it is not in it. */
  placeOf(item: Item): number | null {
    const spot = this.#spots.get(item.id);
    return spot?.item === item ? spot.ticket - this.#first - this.#leftBefore(spot.ticket) + 1 : null;
  }

  /** How long the first has waited, ms; 0 when nobody waits. */
  get longestMs(): number {
    for (const { since } of this.#spots.values()) return performance.now() - since;
    return 0;
  }

  *[Symbol.iterator](): Generator<Item> {
    for (const { item } of this.#spots.values()) yield item;
  }

  #skip(): void {
    this.#first++;
    let gone = 0;
    while (this.#left[gone] === this.#first) {
      this.#first++;
      gone++;
    }
    if (gone > 0) this.#left.splice(0, gone);
  }

  /** How many of those that left had a ticket before this one. */
  #leftBefore(ticket: number): number {
    let from = 0;
    let to = this.#left.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#left[middle] as number) < ticket) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
