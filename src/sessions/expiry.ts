import { afterMs } from '../platform/timer.ts';
import { runsIn } from './gone.ts';
import type { SessionTools } from './tools.ts';

/** Between two looks for those whose time is over. */
const LOOK_MS = 1000;

/** Closes sessions whose time is over, unless they are in use, and lets go of closed ones that nobody needs to be told of any more. */
export class Expiry {
  readonly #tools: SessionTools;
  readonly #shut: (id: string, reason: 'expired' | 'idle') => Promise<void>;
  #stop = (): void => {};

  constructor(tools: SessionTools, shut: (id: string, reason: 'expired' | 'idle') => Promise<void>) {
    this.#tools = tools;
    this.#shut = shut;
  }

  begin(): void {
    const look = (): void => void this.#look().then(() => this.#tools.closed.aborted || this.begin());
    this.#stop = afterMs(LOOK_MS, look, { ref: false });
  }

  stop(): void {
    this.#stop();
  }

  async #look(): Promise<void> {
    const { store, table, live, spaces, log, now, closed } = this.#tools;
    live.forget();
    try {
      const time = now();
      for (const { id, n, state, createdAt } of store.sessions.expired(time)) {
        if (closed.aborted) return;
        if (state === 'closed') {
          store.sessions.remove(n);
          continue;
        }
        const found = live.peek(id);
        if (state === 'preparing' || found?.checkpointing || (found?.runs.size ?? 0) > 0) continue;
        const { kept, workspace } = table.get(id);
        if (runsIn(spaces, workspace).length > 0) continue;
        const { ttlSeconds } = kept;
        const isOld = ttlSeconds !== null && createdAt + ttlSeconds * 1000 <= time;
        await this.#shut(id, isOld ? 'expired' : 'idle');
      }
    } catch (err) {
      log.warn({ err }, 'sessions whose time is over could not be closed');
    }
  }
}
