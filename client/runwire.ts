import { Connection } from './connection.ts';
import { newId } from './new-id.ts';
import type { InvocationInput, Queries, Record } from './openapi.ts';
import { Pages } from './pages.ts';
import { type Asked, type FinishedRecord, Run, type WaitOptions } from './run.ts';
import { type RunwireOptions, readSettings } from './settings.ts';

export * from './errors.ts';
export type { Line } from './lines.ts';
export type { Record as RunRecord, RuntimeEvent, RuntimeResult } from './openapi.ts';
export { type FinishedRecord, Run, RunFailedError } from './run.ts';
export type { RunwireOptions } from './settings.ts';

/** A Runwire server, over fetch alone. It holds nothing that has to be closed. */
export class Runwire {
  readonly #connection: Connection;

  constructor(options: RunwireOptions = {}) {
    this.#connection = new Connection(readSettings(options));
  }

  /**
   * Starts a run. It has an `invocation_id` before it is sent, so that a POST whose answer is lost is sent again and
   * joins the run that it made.
   */
  async submit(invocation: InvocationInput, { signal }: Asked = {}): Promise<Run> {
    const id = invocation.invocation_id ?? newId();
    const call = { method: 'POST', path: '/invocations', repeatable: true, signal } as const;
    const record = await this.#connection.send<Record>(call, { ...invocation, invocation_id: id });
    return new Run(this.#connection, id, record);
  }

  /** Starts a run and waits for its end. */
  async run(invocation: InvocationInput, options: WaitOptions = {}): Promise<FinishedRecord> {
    return (await this.submit(invocation, options)).wait(options);
  }

  /** A run that was started before, perhaps by somebody else. Asks nothing of the server. */
  attach(id: string): Run {
    return new Run(this.#connection, id);
  }

  /** Runs, newest first. */
  list({ signal, ...filter }: Queries['listInvocations'] & Asked = {}): Pages<Record> {
    return Pages.of(this.#connection, '/invocations', { ...filter, signal });
  }
}
