import { z } from 'zod';
import { parseJson } from '../wire/json.ts';
import type { JobTools } from './tools.ts';

const Note = z.object({ callback: z.string() });

/**
 * News by callback: a state counts as in an answer to a poll; without one the poller looks. The word that ends a job is
 * kept before its backend is told that it was taken: it may never say it again. Throws what the storage says.
 */
export function takeCallback({ ctx, job, redact }: JobTools, body: unknown): void {
  const text = JSON.stringify(body ?? null);
  const state = job.stateOf(body);
  if (state !== undefined && job.isTerminal(state))
    ctx.output.acknowledged.note(JSON.stringify({ callback: redact(text) } satisfies z.infer<typeof Note>));
  if (!job.hear(text)) job.sleepers.wake();
}

/** The word that an earlier server kept. Null: the line is another note. */
export function callbackOf(line: string): string | null {
  const { data } = Note.safeParse(parseJson(line));
  return data?.callback ?? null;
}
