import type { DockerDaemon } from './daemon.ts';
import { removeContainer } from './remove.ts';
import {
  GENERATION_LABEL,
  INVOCATION_LABEL,
  SERVER_LABEL,
  SESSION_LABEL,
  type ServerIdentity,
} from './server-identity.ts';

const LEFTOVER_MS = [1000, 5000, 30_000];

/** A container of this server, as the daemon lists it. */
export interface OwnContainer {
  id: string;
  invocationId: string;
  /** That it stays for, instead of for one run; null: for none. */
  session: { id: string; generation: number } | null;
  /** created, running, exited … */
  state: string;
}

/** Whose containers are to stay. */
export interface Needed {
  isUnfinished(invocationId: string): boolean;
  isOpenSession(id: string, generation: number): boolean;
}

const NOTHING: Needed = { isUnfinished: () => false, isOpenSession: () => false };

/** Finds and removes the containers of one server, and of no other. */
export class OwnContainers {
  readonly #daemon: DockerDaemon;
  readonly #identity: ServerIdentity;
  /** Runs in the hands of this process: their containers are not swept. */
  readonly active = new Set<string>();
  #needed = NOTHING;
  #timer: NodeJS.Timeout | undefined;
  #again = 0;
  #closed = false;

  constructor(daemon: DockerDaemon, identity: ServerIdentity) {
    this.#daemon = daemon;
    this.#identity = identity;
  }

  /** Of one run, or of all. */
  async list(invocationId?: string): Promise<OwnContainer[]> {
    const server = this.#identity.known();
    if (server === null) return [];
    const label = [`${SERVER_LABEL}=${server}`];
    if (invocationId !== undefined) label.push(`${INVOCATION_LABEL}=${invocationId}`);
    const found = await this.#daemon.ask((docker) =>
      docker.listContainers({ all: true, filters: { label } }),
    );
    return found.map(({ Id, Labels, State }) => ({
      id: Id,
      invocationId: Labels[INVOCATION_LABEL] ?? '',
      session: sessionOf(Labels),
      state: State,
    }));
  }

  /**
   * Remove what no run and no session needs. What cannot be done now, for the daemon is away, is tried again. Returns how
   * many were removed.
   */
  async sweep(needed = this.#needed): Promise<number> {
    this.#needed = needed;
    let removed = 0;
    const found = await this.list().catch(() => null);
    if (found === null) this.sweepLater();
    for (const { id, invocationId, session } of found ?? []) {
      if (session !== null && needed.isOpenSession(session.id, session.generation)) continue;
      if (session === null && (this.active.has(invocationId) || needed.isUnfinished(invocationId))) continue;
      if (await removeContainer(this.#daemon, id)) removed++;
      else this.sweepLater();
    }
    return removed;
  }

  /** Something could not be removed: try again, ever more rarely, until it is. */
  sweepLater(): void {
    if (this.#timer !== undefined || this.#closed) return;
    const ms = LEFTOVER_MS[Math.min(this.#again++, LEFTOVER_MS.length - 1)];
    this.#timer = setTimeout(async () => {
      this.#timer = undefined;
      await this.sweep();
      if (this.#timer === undefined) this.#again = 0;
    }, ms);
    this.#timer.unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}

function sessionOf(labels: Readonly<Record<string, string>>): OwnContainer['session'] {
  const id = labels[SESSION_LABEL];
  return id === undefined ? null : { id, generation: Number(labels[GENERATION_LABEL]) };
}
