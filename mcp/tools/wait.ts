import { z } from 'zod';
import type { Run, RunRecord } from '../../client/runwire.ts';
import { shownRun } from '../output/shown-run.ts';
import { placeOf, Texts } from '../output/texts.ts';
import { ShownRun } from './facts.ts';
import { Id, MaxBytes, WaitSeconds } from './input.ts';
import { GOES_ON } from './run.ts';
import { type Call, tool } from './tool.ts';
import { runWithin } from './waiting.ts';

export const waitTool = tool({
  name: 'wait',
  title: 'Wait for a run',
  description:
    'Waits until a run has finished, or until it has written a text (a server that says it listens), or until wait_seconds are over: it answers as run does, and the run goes on if it has not finished.',
  readOnly: true,
  idempotent: true,
  input: z.strictObject({
    id: Id,
    wait_seconds: WaitSeconds.default(30).describe('many clients give up after 60'),
    until_text: z.string().min(1).max(1000).optional().describe('plain text in its output'),
    max_bytes: MaxBytes,
  }),
  output: ShownRun.extend({
    found_at: z
      .int()
      .nullable()
      .optional()
      .describe('byte of the output at which until_text stands; null: nowhere yet'),
  }),
  async act({ id, wait_seconds, until_text: text, max_bytes }, call) {
    const run = call.rw.attach(id);
    const { record, place } =
      text === undefined
        ? { record: await runWithin(run, wait_seconds, call), place: undefined }
        : await untilText(run, text, wait_seconds, call);
    const next = record.result === null ? { next: GOES_ON } : {};
    const shown = await shownRun(run, record, { budget: max_bytes - 100, signal: call.signal, ...next });
    if (place === undefined) return shown;
    const words = place === null ? 'until_text is not in its output' : `until_text is at byte ${place}`;
    return { ...shown, text: `${words}; ${shown.text}`, facts: { ...shown.facts, found_at: place } };
  },
});

async function untilText(
  run: Run,
  text: string,
  seconds: number,
  call: Call,
): Promise<{ record: RunRecord; place: number | null }> {
  const over = new AbortController();
  const signal = AbortSignal.any([call.signal, over.signal]);
  let place: number | null = null;
  const searching = placeOf(new Texts([text], false), run.output({ signal }), 0)
    .then((found) => {
      place = found;
    })
    .finally(() => over.abort());
  const waiting = runWithin(run, seconds, { ...call, signal });
  try {
    // One that has finished may have written it, and it is not read yet.
    const ended = waiting.then((record) => (record.result === null ? undefined : searching));
    await Promise.race([searching, ended]);
  } finally {
    over.abort();
    await Promise.allSettled([searching, waiting]);
  }
  call.signal.throwIfAborted();
  return { record: await run.refresh({ signal: call.signal }), place };
}
