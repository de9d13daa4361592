import { createInterface } from 'node:readline/promises';
import { isatty } from 'node:tty';
import { endBy } from './interrupts.ts';

/** Is somebody there to answer. */
export const canAsk = (): boolean => isatty(0) && isatty(2);

/** A question on the terminal; all but yes is no. */
export async function ask(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  lines.once('SIGINT', () => {
    lines.close(); // the terminal is as it was
    process.stderr.write('\n');
    endBy('SIGINT');
  });
  const answer = await Promise.race([lines.question(`${question} [y/N] `), closed]);
  lines.close();
  return /^y(es)?$/i.test(answer.trim());
}
