import { writeSync } from 'node:fs';
import { giveWay } from './progress.ts';
import { spinner } from './spinner.ts';
import { telling } from './telling.ts';
import { visible } from './visible.ts';

export { telling };

/** A line on stderr. Nobody may be there to read it. */
export function say(line: string): void {
  const text = telling.json ? JSON.stringify({ notice: line }) : `runwire: ${visible(line)}`;
  spinner.giveWay();
  giveWay();
  try {
    writeSync(2, `${text}${telling.isRaw ? '\r' : ''}\n`);
  } catch {
    // stderr is closed, or full: the work goes on.
  }
}
