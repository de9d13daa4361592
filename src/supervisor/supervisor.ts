import { ChurnMap } from '../platform/churn-map.ts';
import { messageOf } from '../platform/error-words.ts';
import { type AdoptRequest, adopt } from './adopt.ts';
import { ProcessSearch } from './find/search.ts';
import { Growth } from './growth.ts';
import { HeldSetups } from './held.ts';
import type { FromSupervisor, SpawnRequest, ToSupervisor } from './protocol/messages.ts';
import { type RunParts, SupervisedRun } from './run.ts';
import { ServedTimes } from './served.ts';
import type { Spawner } from './spawn/spawner.ts';
import { type Due, UnwatchedClocks } from './unwatched.ts';

/** Owns every program of one data directory, for as long as one of them lives. Speaks to one server at a time. */
export class Supervisor {
  readonly #spawner: Spawner;
  /** What tells this data directory from others of the same path. */
  readonly #place: string;
  readonly #search = new ProcessSearch();
  readonly #runs = new ChurnMap<string, SupervisedRun>();
  /** Those that have begun and are not over. */
  readonly #living = new Set<SupervisedRun>();
  readonly #withSetup = new Set<SupervisedRun>();
  readonly #held: HeldSetups;
  readonly #served = new ServedTimes();
  readonly #clocks = new UnwatchedClocks();
  #send: ((message: FromSupervisor) => void) | null = null;
  readonly #growth = new Growth((run) => this.#runs.get(run)?.tellGrown());
  readonly #runParts: RunParts;
  /** Looks at what earlier supervisors left, and ends of sessions. */
  #looking = 0;

  constructor(spawner: Spawner, place: string) {
    this.#spawner = spawner;
    this.#place = place;
    this.#held = new HeldSetups({ spawner, place, search: this.#search });
    this.#runParts = {
      ...{ spawner, place },
      taken: () => ({ programs: this.#living.size - 1, more: this.#descriptorsOfSetups() }),
      tell: (message) => this.#tell(message),
      isHeard: () => this.#send !== null,
      grew: ({ id }) => this.#growth.grew(id),
      dueChanged: ({ id, due }) => this.#clocks.set(id, due),
      failed: (run) => this.#over(run, true),
      ended: (run, recorded) => this.#over(run, recorded && this.#send === null),
      holds: ({ directory }, setup) => this.#held.hold(directory, setup),
    };
  }

  /** Work that still goes on. */
  get living(): number {
    return this.#living.size + this.#looking + this.#held.size;
  }

  /** Without a server: how everything ended is written, so that nobody needs this process any more. */
  get isSettled(): boolean {
    this.#writeExits();
    return this.living + this.#runs.size === 0;
  }

  /** Runs that are not forgotten. */
  get runs(): string[] {
    return [...this.#runs.keys()];
  }

  /** From now on tell this server. One of another version (`isOurs` false) gives its new runs to another supervisor. */
  connect(send: (message: FromSupervisor) => void, isOurs: boolean): void {
    this.#clocks.stop();
    this.#served.end();
    if (isOurs) this.#served.begin();
    this.#send = send;
  }

  /** What the next server will ask for is written now, and need not be kept. */
  disconnect(): void {
    this.#served.end();
    this.#send = null;
    this.#writeExits();
    this.#clocks.start(this.#dues(), (run, graceMs) => this.#runs.get(run)?.timeOut(graceMs));
  }

  /** What a full disk does not take is kept here, and tried again. */
  #writeExits(): void {
    for (const [id, run] of this.#runs) if (run.writeExit()) this.#runs.delete(id);
  }

  handle(message: ToSupervisor): void {
    switch (message.op) {
      case 'spawn':
        return this.#spawn(message);
      case 'adopt':
        return this.#adopt(message);
      case 'stop':
        return this.#runs.get(message.run)?.stop(message.grace_ms);
      case 'forget':
        return void this.#runs.delete(message.run);
      case 'stdin':
        return void this.#reply(message.n, () => {
          const run = this.#runs.get(message.run);
          return run ? run.feed(message) : message.base64 === undefined || refuseEnded();
        });
      case 'signal':
        return void this.#reply(
          message.n,
          () => this.#runs.get(message.run)?.signal(message.signal) ?? refuseEnded(),
        );
      case 'resize':
        return void this.#reply(
          message.n,
          () => this.#runs.get(message.run)?.resize(message) ?? refuseEnded(),
        );
      case 'end':
        return void this.#reply(message.n, () => this.#look(() => this.#held.end(message.directories)));
    }
  }

  /** Every program, and what setups left for their sessions. */
  stopAll(graceMs: number): void {
    for (const run of this.#runs.values()) run.stop(graceMs);
    this.#held.endAll();
  }

  *#dues(): Generator<readonly [string, Due]> {
    for (const [id, { due }] of this.#runs) if (due) yield [id, due];
  }

  #tell(message: FromSupervisor): void {
    this.#send?.(message);
  }

  #spawn(request: SpawnRequest): void {
    if (this.#runs.has(request.run)) return;
    const run = new SupervisedRun(request, this.#runParts);
    this.#runs.set(run.id, run);
    this.#living.add(run);
    if (request.setup) this.#withSetup.add(run);
    run.start();
  }

  #descriptorsOfSetups(): number {
    let more = this.#held.descriptors;
    for (const { descriptorsOfSetup } of this.#withSetup) more += descriptorsOfSetup;
    return more;
  }

  /** `settled`: nobody will ask how it ended. */
  #over(run: SupervisedRun, settled: boolean): void {
    this.#living.delete(run);
    this.#withSetup.delete(run);
    if (settled) this.#runs.delete(run.id);
  }

  /** A new server asks for a run of an earlier one. */
  #adopt(request: AdoptRequest): void {
    const run = this.#runs.get(request.run);
    if (run) run.adopt(request);
    else void this.#adoptOfAnother(request);
  }

  async #adoptOfAnother(request: AdoptRequest): Promise<void> {
    const { signal } = this.#spawner;
    const parts = { finder: this.#search, signal, place: this.#place, served: this.#served };
    await this.#look(async () => this.#tell(await adopt(request, parts)));
  }

  async #look(look: () => Promise<void>): Promise<void> {
    this.#looking++;
    try {
      await look();
    } finally {
      this.#looking--;
    }
  }

  async #reply(n: number, use: () => unknown): Promise<void> {
    try {
      await use();
      this.#tell({ op: 'reply', n, error: null });
    } catch (error) {
      this.#tell({ op: 'reply', n, error: messageOf(error) });
    }
  }
}

function refuseEnded(): never {
  throw new Error('the program has ended');
}
