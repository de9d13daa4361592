import type { Asked } from './asked.ts';
import type { Connection } from './connection.ts';
import { ConflictError, GoneError } from './errors.ts';
import { newId } from './new-id.ts';
import type { Bodies, Checkpoint, InvocationInput, Session as SessionRecord } from './openapi.ts';
import type { Run } from './run.ts';
import { segment } from './segment.ts';
import { submit } from './submit.ts';
import { Workspace } from './workspace.ts';

export type CheckpointInput = NonNullable<Bodies['checkpointSession']>;

/** One look at it lasts so long. */
const WAIT_SECONDS = 30;

/** An environment that is set up once for many runs. `await using` closes it. */
export class Session implements AsyncDisposable {
  readonly id: string;
  /** As it was told last. */
  record: SessionRecord | null;
  readonly #connection: Connection;
  readonly #path: string;

  constructor(connection: Connection, id: string, record: SessionRecord | null = null) {
    this.id = id;
    this.record = record;
    this.#connection = connection;
    this.#path = `/sessions/${segment(id)}`;
  }

  async refresh({ signal }: Asked = {}): Promise<SessionRecord> {
    this.record = await this.#connection.json<SessionRecord>({ path: this.#path, signal });
    return this.record;
  }

  /** When it has been set up. Throws ConflictError `session_failed`, and why, where that cannot be. */
  async ready({ signal }: Asked = {}): Promise<SessionRecord> {
    const call = { path: this.#path, query: { wait: WAIT_SECONDS }, waitSeconds: WAIT_SECONDS, signal };
    const retrySeconds = this.#connection.settings.resumeSeconds;
    while (this.record === null || this.record.state === 'preparing')
      this.record = await this.#connection.json<SessionRecord>({ ...call, retrySeconds });
    const { state, reason } = this.record;
    if (state === 'failed')
      throw new ConflictError(reason ?? 'it could not be set up', { code: 'session_failed' });
    if (state === 'closed') throw new GoneError(`it is closed: ${reason}`, { code: 'session_closed' });
    return this.record;
  }

  /** Starts a run in it. */
  submit(invocation: InvocationInput, options: Asked = {}): Promise<Run> {
    return submit(
      this.#connection,
      { ...invocation, options: { ...invocation.options, session: this.id } },
      options,
    );
  }

  /** The directory of its runs. */
  async workspace(options: Asked = {}): Promise<Workspace> {
    const { workspace_id: id } = this.record ?? (await this.refresh(options));
    return new Workspace(this.#connection, id);
  }

  /** A snapshot, and what has changed since the one before. */
  checkpoint(
    input: CheckpointInput = {},
    {
      whileRunning,
      patch,
      signal,
    }: Asked & { whileRunning?: boolean | undefined; patch?: boolean | undefined } = {},
  ): Promise<Checkpoint> {
    const query = { while_running: whileRunning, patch };
    const call = {
      method: 'POST',
      path: `${this.#path}/checkpoint`,
      query,
      repeatable: true,
      signal,
    } as const;
    return this.#connection.send(call, { ...input, snapshot_id: input.snapshot_id ?? newId() });
  }

  /** Back to what it was when it was ready, and set up again: ready() waits for that. */
  async reset({ signal }: Asked = {}): Promise<SessionRecord> {
    this.record = await this.#connection.json<SessionRecord>({
      method: 'POST',
      path: `${this.#path}/reset`,
      signal,
    });
    return this.record;
  }

  /** Its runs are cancelled, and what it holds ends. */
  async remove({ signal }: Asked = {}): Promise<void> {
    await this.#connection.done({ method: 'DELETE', path: this.#path, signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.remove();
    } catch (error) {
      if (!(error instanceof GoneError)) throw error; // it was closed before
    }
  }
}
