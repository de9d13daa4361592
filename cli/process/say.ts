import { writeSync } from 'node:fs';
import { visible } from './visible.ts';

/** How what is no output of a run is told: a line on stderr, in JSON where the output is. */
export const telling = { json: false };

/** A line on stderr. Nobody may be there to read it. */
export function say(line: string): void {
  const text = telling.json ? JSON.stringify({ notice: line }) : `runwire: ${visible(line)}`;
  try {
    writeSync(2, `${text}\n`);
  } catch {
    // stderr is closed, or full: the work goes on.
  }
}
