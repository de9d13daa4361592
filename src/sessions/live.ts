import { Waiters } from '../platform/waiters.ts';

/** What goes on in one session, as long as something does. */
export class LiveSession {
  readonly id: string;
  /** Its runs that are not over. */
  readonly runs = new Set<string>();
  readonly #changed = new Waiters();
  /** What was begun is gone on with. */
  leading = false;
  /** A checkpoint is being taken. */
  checkpointing = false;
  /** It becomes ready, or fails. */
  settling: Promise<void> | null = null;
  /** Lets go of the line of its workspace. */
  hold: (() => void) | null = null;
  /** When it was last asked whether what it holds is there (performance.now()). */
  askedAt = Number.NEGATIVE_INFINITY;

  constructor(id: string) {
    this.id = id;
  }

  get isIdle(): boolean {
    return (
      this.runs.size === 0 &&
      !this.leading &&
      !this.checkpointing &&
      this.hold === null &&
      this.settling === null &&
      this.#changed.size === 0
    );
  }

  /** Resolves true when something has changed; false after `ms` or when the signal aborts. */
  next(limits: { ms?: number; signal?: AbortSignal | undefined } = {}): Promise<boolean> {
    return this.#changed.next(limits);
  }

  changed(): void {
    this.#changed.wake();
  }
}

/** How long it is remembered when a session was last asked after. */
const KEPT_MS = 60_000;

/** Those in which something goes on. */
export class LiveSessions {
  readonly #all = new Map<string, LiveSession>();

  get(id: string): LiveSession {
    let live = this.#all.get(id);
    if (live === undefined) {
      live = new LiveSession(id);
      this.#all.set(id, live);
    }
    return live;
  }

  peek(id: string): LiveSession | undefined {
    return this.#all.get(id);
  }

  /** Something has changed in it: who waits looks again, and one in which nothing goes on is forgotten. */
  changed(live: LiveSession): void {
    live.changed();
    this.#forgetIdle(live);
  }

  /** Those in which nothing has gone on for long. Nobody who waits is told. */
  forget(): void {
    for (const live of [...this.#all.values()]) this.#forgetIdle(live);
  }

  #forgetIdle(live: LiveSession): void {
    const isOld = live.askedAt < performance.now() - KEPT_MS;
    if (live.isIdle && isOld && this.#all.get(live.id) === live) this.#all.delete(live.id);
  }
}
