import { RunwireError } from '../documents/errors.ts';
import { Waiters } from '../platform/waiters.ts';
import { type Gate, TurnLine } from './turn-line.ts';

/** What goes on in one workspace, as long as something does. */
export class Space {
  readonly id: string;
  readonly line: TurnLine;
  readonly #changed = new Waiters();
  /** Set while it is filled: how that is given up. */
  filling: AbortController | null = null;
  restoring = false;
  /** Its record is gone, its files not yet. */
  leaving = false;
  readers = 0;
  /** Those who keep its line closed. */
  holds = 0;
  changers = 0;
  /** Snapshots and copies that are being taken of it. */
  takers = 0;
  /** What changes bring beside what was counted, and what they have brought since. */
  readonly coming = new Set<{ bytes: number }>();
  readonly brought = new Set<{ bytes: number }>();
  /** The run in it whose copy of it takes its place: what changes meanwhile would be lost. */
  copiedBy: string | null = null;

  constructor(id: string, gate: Readonly<Gate>) {
    this.id = id;
    this.line = new TurnLine(gate);
  }

  get isIdle(): boolean {
    return this.line.isEmpty && !this.leaving && !this.isUsed && this.brought.size === 0;
  }

  /** Beside runs. */
  get isUsed(): boolean {
    return (
      this.filling !== null || this.restoring || this.readers + this.changers + this.takers + this.holds > 0
    );
  }

  /** Resolves when something has changed; false after `ms` or when the signal aborts. */
  next(limits: { ms?: number; signal?: AbortSignal | undefined } = {}): Promise<boolean> {
    return this.#changed.next(limits);
  }

  changed(): void {
    this.#changed.wake();
  }

  /** Throws workspace_busy while it is filled, restored or removed. */
  refuseUnsteady(): void {
    if (this.filling) throw busy(this.id, 'is being filled');
    if (this.restoring) throw busy(this.id, 'is being restored');
    if (this.leaving) throw busy(this.id, 'is being removed');
  }

  /** Throws workspace_busy while a run works in a copy of it. */
  refuseCopied(): void {
    if (this.copiedBy !== null) throw busy(this.id, `has a run in it that works in a copy: ${this.copiedBy}`);
  }

  /** Throws workspace_busy while a run is in it. */
  refuseRuns(): void {
    const [first] = this.line.holders;
    if (first !== undefined) throw busy(this.id, `has a run in it: ${first}`);
  }
}

export function busy(id: string, why: string): RunwireError {
  return new RunwireError('workspace_busy', `The workspace ${id} ${why}.`, { retryAfterSeconds: 1 });
}

export function full(id: string, room: number): RunwireError {
  const words = `The workspace ${id} has room for ${Math.max(0, room)} bytes more (its max_bytes).`;
  return new RunwireError('workspace_full', words);
}

/** Those in which something goes on. */
export class LiveSpaces {
  readonly #spaces = new Map<string, Space>();
  /** Until everybody of an earlier server stands in line. */
  readonly #gate: Gate = { closed: true };

  get(id: string): Space {
    let space = this.#spaces.get(id);
    if (space === undefined) {
      space = new Space(id, this.#gate);
      this.#spaces.set(id, space);
    }
    return space;
  }

  peek(id: string): Space | undefined {
    return this.#spaces.get(id);
  }

  /** Turns are given from now on. */
  open(): void {
    this.#gate.closed = false;
    for (const { line } of [...this.#spaces.values()]) line.look();
  }

  /** No more turns are given. */
  pause(): void {
    this.#gate.closed = true;
  }

  [Symbol.iterator](): Iterator<Space> {
    return this.#spaces.values();
  }

  /** Something has changed in it: who waits looks again, and one in which nothing goes on is forgotten. */
  changed(space: Space): void {
    space.changed();
    if (space.isIdle && this.#spaces.get(space.id) === space) this.#spaces.delete(space.id);
  }

  /** Count somebody until `work` settles. */
  async counting<T>(
    space: Space,
    what: 'readers' | 'changers' | 'takers',
    work: () => Promise<T>,
  ): Promise<T> {
    space[what]++;
    try {
      return await work();
    } finally {
      space[what]--;
      this.changed(space);
    }
  }
}
