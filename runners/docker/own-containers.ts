import type { DockerDaemon } from './daemon.ts';
import { removeContainer, removeVolumes } from './remove.ts';
import {
  GENERATION_LABEL,
  INVOCATION_LABEL,
  SERVER_LABEL,
  SESSION_LABEL,
  type ServerIdentity,
} from './server-identity.ts';

const LEFTOVER_MS = [1000, 5000, 30_000];

/** What a container or a volume is for. */
interface Owner {
  invocationId: string;
  /** That it stays for, instead of for one run; null: for none. */
  session: { id: string; generation: number } | null;
}

/** A container of this server, as the daemon lists it. */
export interface OwnContainer extends Owner {
  id: string;
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
      ...ownerOf(Labels),
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
    for (const one of found ?? []) {
      if (this.#isNeeded(one, needed)) continue;
      if (await removeContainer(this.#daemon, one.id)) removed++;
      else this.sweepLater();
    }
    // Others who removed a container need not have removed its volumes.
    const server = this.#identity.known();
    if (found !== null && server !== null)
      await removeVolumes(
        this.#daemon,
        [`${SERVER_LABEL}=${server}`],
        (labels) => !this.#isNeeded(ownerOf(labels), needed),
      ).catch(() => this.sweepLater());
    return removed;
  }

  #isNeeded({ invocationId, session }: Owner, needed: Needed): boolean {
    if (session !== null) return needed.isOpenSession(session.id, session.generation);
    return this.active.has(invocationId) || needed.isUnfinished(invocationId);
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

function ownerOf(labels: Readonly<Record<string, string>>): Owner {
  const {
    [SESSION_LABEL]: id,
    [INVOCATION_LABEL]: invocationId = '',
    [GENERATION_LABEL]: generation,
  } = labels;
  return { invocationId, session: id === undefined ? null : { id, generation: Number(generation) } };
}
