import type { Asked } from './asked.ts';
import type { Connection } from './connection.ts';
import { type Beside, withFiles } from './form.ts';
import { newId } from './new-id.ts';
import type { InvocationInput, Record } from './openapi.ts';
import { Run } from './run.ts';

/** Files that come with the run are in its working directory before it starts. */
export type SubmitOptions = Asked & Beside;

/**
 * Starts a run. It has an `invocation_id` before it is sent, so that a POST whose answer is lost is sent again and
 * joins the run that it made.
 */
export async function submit(
  connection: Connection,
  invocation: InvocationInput,
  { signal, ...beside }: SubmitOptions,
): Promise<Run> {
  const id = invocation.invocation_id ?? newId();
  const call = { method: 'POST', path: '/invocations', repeatable: true, signal } as const;
  const record = await connection.json<Record>(
    withFiles(call, 'invocation', { ...invocation, invocation_id: id }, beside),
  );
  return new Run(connection, id, record);
}
