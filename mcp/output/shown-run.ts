import type { Run, RunRecord } from '../../client/runwire.ts';
import { jsonSize } from './text.ts';
import { isUndone, runLine, type ToldRun, toldRun } from './told-run.ts';
import { type View, type ViewOptions, viewOf } from './view.ts';

/** A run and a part of its output, as text and as facts: neither has more bytes than the budget, in UTF-8 and in JSON. */
export interface ShownRun {
  text: string;
  facts: ToldRun & { output: View; next?: string };
  isError: boolean;
}

export const LEAST_BUDGET = 2048;
export const MOST_BUDGET = 262_144;
export const USUAL_BUDGET = 16_384;

/** What the facts about a view take at most, beside its text. */
const VIEW_FACTS = 400;

/** `next`: what a model may do with it now. */
export async function shownRun(
  run: Run,
  record: RunRecord,
  { budget, next, ...view }: { budget: number; next?: string } & Omit<ViewOptions, 'room' | 'isWhole'>,
): Promise<ShownRun> {
  const told = { ...toldRun(record), ...(next !== undefined && { next }) };
  const line = runLine(told);
  const last = next === undefined ? '' : `\n${next}`;
  const about = Math.max(Buffer.byteLength(JSON.stringify(told)), jsonSize(line + last));
  const setup = record.outcome?.ended === 'setup_failed' ? ({ phase: 'setup' } as const) : {};
  const output = await viewOf(run, {
    ...setup,
    ...view,
    isWhole: told.finished,
    room: Math.max(0, budget - about - VIEW_FACTS),
  });
  const body = output.text === '' ? '' : `\n${output.text}${output.text.endsWith('\n') ? '' : '\n'}`;
  return {
    text: `${line}; ${bytesLine(output)}${body || '\n'}${last.trimStart()}`.trimEnd(),
    facts: { ...told, output },
    isError: isUndone(record),
  };
}

/** Which bytes these are. */
function bytesLine({ stream, phase, total_bytes: total, shown, left_out: leftOut }: View): string {
  const what = `${phase === 'setup' ? 'setup ' : ''}${stream === 'both' ? 'stdout and stderr' : stream}`;
  if (total === 0) return `no ${what}`;
  if (leftOut.length === 0 && shown[0]?.from === 0) return `${what}, all ${total} bytes:`;
  return `${what}, bytes ${shown.map(({ from, to }) => `${from} to ${to}`).join(' and ')} of ${total}:`;
}
