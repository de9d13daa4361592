import { print } from '../process/sink.ts';
import type { OutputFlags } from './things.ts';

/** One thing in the form that is asked for: `page` is how a person reads it. */
export async function printThing(
  thing: object,
  id: string,
  flags: OutputFlags,
  page: () => string | Promise<string>,
): Promise<void> {
  if (flags.quiet) return print(`${id}\n`);
  if (flags.output === 'json') return print(`${JSON.stringify(thing, null, 2)}\n`);
  if (flags.output === 'jsonl') return print(`${JSON.stringify(thing)}\n`);
  await print(await page());
}

/** What was made: its id alone, unless JSON is asked for. */
export const printMade = (thing: object, id: string, flags: OutputFlags): Promise<void> =>
  printThing(thing, id, flags, () => `${id}\n`);
