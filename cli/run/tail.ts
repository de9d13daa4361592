import type { Run } from '../../client/runwire.ts';

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

/** The same as text. */
export async function lastLines(run: Run, stream: 'stdout' | 'stderr', lines: number): Promise<string[]> {
  const offset = await startOfLastLines(run, stream, lines);
  const text = await run.text({ stream, follow: false, offset });
  const all = text.split('\n');
  if (all.at(-1) === '') all.pop();
  return all.slice(-lines);
}
