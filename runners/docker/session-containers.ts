import type { SessionOfRun } from '../../src/contract/context.ts';
import type { SessionHost } from '../../src/contract/session-host.ts';
import type { KeptContainer } from './container-record.ts';
import type { DockerDaemon } from './daemon.ts';
import { keptContainer } from './kept-facts.ts';
import { isLeaving } from './kept-state.ts';
import { removeContainer, removeVolumes } from './remove.ts';
import { GENERATION_LABEL, SERVER_LABEL, SESSION_LABEL, type ServerIdentity } from './server-identity.ts';

type Of = Pick<SessionOfRun, 'id' | 'generation'>;

export const SESSION_GONE = 'the container of the session is gone: reset the session';

/** The containers of sessions: one for each that is open, found by its labels. */
export class SessionContainers implements SessionHost {
  readonly owns = {
    optionsOfRun: ['user'],
    limits: ['memory_bytes', 'processes'],
  };
  readonly #daemon: DockerDaemon;
  readonly #identity: ServerIdentity;
  /** So that a run need not ask which it is. */
  readonly #known = new Map<string, { generation: number; container: KeptContainer }>();

  /** What a run that was lost with its container left to be forgotten, where that is started again. */
  readonly #toForget = new Map<string, (() => Promise<void>)[]>();

  constructor(daemon: DockerDaemon, identity: ServerIdentity) {
    this.#daemon = daemon;
    this.#identity = identity;
  }

  /** Null: there is none. */
  async find({ id, generation }: Of): Promise<KeptContainer | null> {
    const known = this.#known.get(id);
    if (known?.generation === generation) return known.container;
    const found = (await this.#list(id)).filter((one) => one.generation === generation);
    // One that was never started is what a server that died left while it made it; the engine lists those that go.
    const { container } = found.find(({ state }) => state !== 'created' && !isLeaving(state)) ?? {};
    if (!container) return null;
    this.remember({ id, generation }, container);
    return container;
  }

  remember({ id, generation }: Of, container: KeptContainer): void {
    this.#known.set(id, { generation, container });
  }

  forget(id: string): void {
    this.#known.delete(id);
  }

  /** Once it is started again. A server that dies meanwhile leaves it to the end of the session. */
  forgetLater(id: string, forget: () => Promise<void>): void {
    this.#toForget.set(id, [...(this.#toForget.get(id) ?? []), forget]);
  }

  startedAgain(id: string): void {
    const forgetting = this.#toForget.get(id) ?? [];
    this.#toForget.delete(id);
    for (const forget of forgetting) void forget();
  }

  /** What a server that died came to make for this generation. Rejects when the engine cannot be brought to. */
  async clear({ id, generation }: Of): Promise<void> {
    await this.#remove(id, (found) => found === generation);
  }

  readonly end: SessionHost['end'] = ({ id, generation }) => this.#remove(id, (found) => found <= generation);

  readonly trouble: NonNullable<SessionHost['trouble']> = async ({ id, generation }) => {
    this.forget(id);
    return (await this.find({ id, generation })) === null ? SESSION_GONE : null;
  };

  async #remove(id: string, which: (generation: number) => boolean): Promise<void> {
    const known = this.#known.get(id);
    if (known && which(known.generation)) this.forget(id);
    this.#toForget.delete(id);
    for (const found of await this.#list(id))
      if (which(found.generation) && !(await removeContainer(this.#daemon, found.id)))
        throw new Error(`the Docker engine could not be brought to remove the container ${found.id}`);
    await removeVolumes(this.#daemon, this.#labels(id), (labels) => which(Number(labels[GENERATION_LABEL])));
  }

  async #list(session: string) {
    const label = this.#labels(session);
    if (label.length === 0) return [];
    const found = await this.#daemon.ask((docker) =>
      docker.listContainers({ all: true, filters: { label } }),
    );
    return found.map(({ Id: id, Labels, State: state }) => ({
      id,
      state,
      generation: Number(Labels[GENERATION_LABEL]),
      container: keptContainer(id, Labels) ?? undefined,
    }));
  }

  /** Of what is made for it; none where this server never made anything. */
  #labels(session: string): string[] {
    const server = this.#identity.known();
    return server === null ? [] : [`${SERVER_LABEL}=${server}`, `${SESSION_LABEL}=${session}`];
  }
}
