import { type Command, Option } from 'commander';
import { telling } from '../process/say.ts';
import { print } from '../process/sink.ts';
import { columnsOfOutput, table } from './table.ts';

export interface OutputFlags {
  output: 'table' | 'json' | 'jsonl';
  quiet?: true;
}

export function withOutput(command: Command): Command {
  return command
    .addOption(new Option('-o, --output <form>', 'form').choices(['table', 'json', 'jsonl']).default('table'))
    .option('-q, --quiet', 'ids alone, a line each');
}

/** How a list is shown: the id of a thing, and its cells under the heading. */
export interface View<T> {
  heading: readonly string[];
  id(thing: T): string;
  cells(thing: T): readonly string[];
}

/** Things in the form that is asked for. JSON Lines come as the things do. */
export async function printThings<T>(
  things: AsyncIterable<T>,
  view: View<T>,
  flags: OutputFlags,
): Promise<void> {
  telling.json = flags.output !== 'table';
  if (flags.quiet || flags.output === 'jsonl') {
    for await (const thing of things)
      await print(`${flags.quiet ? view.id(thing) : JSON.stringify(thing)}\n`);
    return;
  }
  const all: T[] = [];
  for await (const thing of things) all.push(thing);
  await print(
    flags.output === 'json'
      ? `${JSON.stringify(all, null, 2)}\n`
      : table(view.heading, all.map(view.cells), columnsOfOutput()),
  );
}
