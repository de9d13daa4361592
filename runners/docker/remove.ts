import { setTimeout as sleep } from 'node:timers/promises';
import { type DockerEngine, EngineGone, statusOf } from './daemon.ts';
import { INVOCATION_LABEL, SERVER_LABEL, type ServerIdentity } from './server-identity.ts';

const TRIES = 4;
const RETRY_MS = 100;
/** An engine that takes longer is asked again in the background. */
const REMOVE_MS = 10_000;
const LEFTOVER_MS = [1000, 5000, 30_000];

/** Remove a container with its anonymous volumes, running or not. False when the engine could not be brought to. */
export async function removeContainer(engine: DockerEngine, id: string): Promise<boolean> {
  for (let n = 0; n < TRIES; n++) {
    if (n > 0) await sleep(RETRY_MS * 2 ** n);
    try {
      await engine.ask((docker) => docker.getContainer(id).remove({ force: true, v: true }), {
        ms: REMOVE_MS,
      });
      return true;
    } catch (error) {
      if (statusOf(error) === 404) return true;
      if (error instanceof EngineGone) return false;
    }
  }
  return false;
}

/** Remove a container that was never started. False when it was, after all. */
export async function removeUnstarted(engine: DockerEngine, id: string): Promise<boolean> {
  try {
    await engine.ask((docker) => docker.getContainer(id).remove({ v: true }), { ms: REMOVE_MS });
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return true;
    if (statusOf(error) === 409) return false;
    throw error;
  }
}

/** A container of this server, as the engine lists it. */
export interface OwnContainer {
  id: string;
  invocationId: string;
  /** created, running, exited … */
  state: string;
}

/** Finds and removes the containers of one server, and of no other. */
export class OwnContainers {
  readonly #engine: DockerEngine;
  readonly #identity: ServerIdentity;
  /** Runs in the hands of this process: their containers are not swept. */
  readonly active = new Set<string>();
  #keep: (invocationId: string) => boolean = () => false;
  #timer: NodeJS.Timeout | undefined;
  #again = 0;
  #closed = false;

  constructor(engine: DockerEngine, identity: ServerIdentity) {
    this.#engine = engine;
    this.#identity = identity;
  }

  /** Of one run, or of all. */
  async list(invocationId?: string): Promise<OwnContainer[]> {
    const server = this.#identity.known();
    if (server === null) return [];
    const label = [`${SERVER_LABEL}=${server}`];
    if (invocationId !== undefined) label.push(`${INVOCATION_LABEL}=${invocationId}`);
    const found = await this.#engine.ask((docker) =>
      docker.listContainers({ all: true, filters: { label } }),
    );
    return found.map(({ Id, Labels, State }) => ({
      id: Id,
      invocationId: Labels[INVOCATION_LABEL] ?? '',
      state: State,
    }));
  }

  /**
   * Remove what no run needs. `keep`: is the run of this id not over. What cannot be done now, for the engine is away,
   * is tried again. Returns how many were removed.
   */
  async sweep(keep = this.#keep): Promise<number> {
    this.#keep = keep;
    let removed = 0;
    const found = await this.list().catch(() => null);
    if (found === null) this.sweepLater();
    for (const { id, invocationId } of found ?? []) {
      if (this.active.has(invocationId) || keep(invocationId)) continue;
      if (await removeContainer(this.#engine, id)) removed++;
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
