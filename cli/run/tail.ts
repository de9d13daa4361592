import type { Run, RunRecord } from '../../client/runwire.ts';

const BREAK = 10;

/** The byte at which the last lines of what is there now begin. It is read through, and no more of it kept than where lines begin. */
export async function startOfLastLines(
  run: Run,
  stream: 'stdout' | 'stderr' | 'both',
  lines: number,
): Promise<number> {
  const starts = [0];
  let position = 0;
  for await (const part of run.output({ stream, follow: false })) {
    for (let at = part.indexOf(BREAK); at >= 0; at = part.indexOf(BREAK, at + 1)) {
      starts.push(position + at + 1);
      if (starts.length > lines + 1) starts.shift();
    }
    position += part.length;
  }
  // What is after the last line break is a line when something is there.
  if (starts.at(-1) === position && starts.length > 1) starts.pop();
  else if (starts.length > lines) starts.shift();
  return lines === 0 ? position : (starts[0] ?? 0);
}

/** So much of the end of a long output is read. */
const END_BYTES = 64 * 1024;

/** The same as text, of what a run has written to a stream; of its setup, where that failed. */
export async function lastLines(
  run: Run,
  { outcome }: RunRecord,
  stream: 'stdout' | 'stderr',
  lines: number,
): Promise<string[]> {
  const phase = outcome?.ended === 'setup_failed' ? 'setup' : 'command';
  const channel = phase === 'setup' ? (`setup_${stream}` as const) : stream;
  const facts = outcome?.[channel];
  const offset = Math.max(0, (facts?.kept ?? 0) - END_BYTES);
  let end = '';
  const decoder = new TextDecoder();
  for await (const part of run.output({ stream, phase, follow: false, offset })) {
    end += decoder.decode(part, { stream: true });
    if (end.length > 4 * END_BYTES) end = end.slice(-END_BYTES);
  }
  const all = `${end}${decoder.decode()}`.split('\n');
  if (all.at(-1) === '') all.pop();
  return all.slice(-lines);
}
