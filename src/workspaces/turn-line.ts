import { NAMED_HOLDERS } from '../documents/waiting.ts';
import { Line } from '../platform/line.ts';

interface Standing {
  readonly id: string;
  readonly shared: boolean;
  readonly onTurn: () => void;
}

/** Of all lines of a server. */
export interface Gate {
  /** Nobody gets a turn. */
  closed: boolean;
}

/**
 * Whose turn it is in a workspace: one run after the other, in order of arrival; those that are shared together, and
 * nobody overtakes. While it is closed nobody gets a turn.
 */
export class TurnLine {
  readonly #gate: Readonly<Gate>;
  /** In order of their beginning. */
  readonly #holders = new Map<string, Standing>();
  readonly #standing = new Map<string, Standing>();
  readonly #waiting = new Line<Standing>();
  #closed = 0;
  /** How many of the holders want to be alone. */
  #alone = 0;

  constructor(gate: Readonly<Gate> = { closed: false }) {
    this.#gate = gate;
  }

  /** Ids of those that have a turn. */
  get holders(): string[] {
    return [...this.#holders.keys()];
  }

  get firstHolders(): string[] {
    return this.#holders.keys().take(NAMED_HOLDERS).toArray();
  }

  /** All, in order of arrival. */
  get all(): string[] {
    return [...this.#holders.keys(), ...this.#standing.keys()];
  }

  get running(): number {
    return this.#holders.size;
  }

  get queued(): number {
    return this.#waiting.size;
  }

  get isEmpty(): boolean {
    return this.#holders.size === 0 && this.#waiting.size === 0;
  }

  /** Would one that comes now have its turn at once. */
  hasTurnFor(shared: boolean): boolean {
    return this.#waiting.size === 0 && this.#mayHold(shared);
  }

  /** It waits, or has its turn at once: `onTurn` is called then. */
  enter(id: string, shared: boolean, onTurn: () => void): void {
    const standing = { id, shared, onTurn };
    this.#standing.set(id, standing);
    this.#waiting.add(standing);
    this.look();
  }

  /** It had its turn before (a run that is resumed). */
  hold(id: string, shared: boolean): void {
    this.#give({ id, shared, onTurn: () => {} });
  }

  /** True when it waited; nothing is done of others. */
  leaveWaiting(id: string): boolean {
    const standing = this.#standing.get(id);
    if (standing === undefined) return false;
    this.#standing.delete(id);
    this.#waiting.delete(standing);
    this.look();
    return true;
  }

  /** Its turn is over. */
  leave(id: string): void {
    const holder = this.#holders.get(id);
    if (holder === undefined) {
      this.leaveWaiting(id);
      return;
    }
    this.#holders.delete(id);
    if (!holder.shared) this.#alone--;
    this.look();
  }

  waits(id: string): boolean {
    return this.#standing.has(id);
  }

  /** 1 is the next; null: it does not wait. */
  placeOf(id: string): number | null {
    const standing = this.#standing.get(id);
    return standing === undefined ? null : this.#waiting.placeOf(standing);
  }

  /** Nobody gets a turn until what this returns is called. */
  close(): () => void {
    this.#closed++;
    let closed = true;
    return () => {
      if (!closed) return;
      closed = false;
      this.#closed--;
      this.look();
    };
  }

  /** Whoever may have a turn gets it. */
  look(): void {
    for (const standing of this.#waiting) {
      if (!this.#mayHold(standing.shared)) return;
      this.#waiting.delete(standing);
      this.#standing.delete(standing.id);
      this.#give(standing);
      standing.onTurn();
    }
  }

  #mayHold(shared: boolean): boolean {
    if (this.#closed > 0 || this.#gate.closed) return false;
    if (this.#holders.size === 0) return true;
    return shared && this.#alone === 0;
  }

  #give(standing: Standing): void {
    this.#holders.set(standing.id, standing);
    if (!standing.shared) this.#alone++;
  }
}
