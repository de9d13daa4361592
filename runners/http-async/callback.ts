import { z } from 'zod';
import { JsonText, jsonIn } from '../wire/json.ts';
import type { JobTools } from './tools.ts';

const Note = z.object({ callback: z.string() });

/**
 * News by callback: a state counts as in an answer to a poll; whatever else comes makes the poller look. The word that ends a job is
 * kept before its backend is told that it was taken: it may never say it again. Throws what the storage says.
 */
export function takeCallback({ ctx, job, redact }: JobTools, body: string): void {
  const payload = new JsonText(body);
  const state = job.stateOf(payload);
  if (state !== undefined && job.isTerminal(state))
    ctx.output.acknowledged.note(
      JSON.stringify({ callback: redact(payload.text) } satisfies z.infer<typeof Note>),
    );
  if (!job.hear(payload)) job.sleepers.wake();
}

/** The word that an earlier server kept. Null: the line is another note. */
export function callbackOf(line: string): string | null {
  const { data } = Note.safeParse(jsonIn(line));
  return data?.callback ?? null;
}
