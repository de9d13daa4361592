import { type Command, Option } from 'commander';
import { telling } from '../process/say.ts';
import { print, Sink } from '../process/sink.ts';
import { visible } from '../process/visible.ts';
import { type Colour, coloured } from './colours.ts';
import { columnsOfOutput, table, widthsOf } from './table.ts';

export interface OutputFlags {
  output: 'table' | 'json' | 'jsonl';
  quiet?: true;
}

export function withOutput(command: Command): Command {
  return command
    .addOption(new Option('-o, --output <form>', 'form').choices(['table', 'json', 'jsonl']).default('table'))
    .option('-q, --quiet', 'ids alone, a line each')
    .hook('preAction', (asked) => {
      telling.json = asked.opts<OutputFlags>().output !== 'table';
    });
}

/** How a list is shown: the id of a thing, and its cells under the heading. */
export interface View<T> {
  heading: readonly string[];
  id(thing: T): string;
  cells(thing: T): readonly string[];
  /** Columns that go where a terminal is too narrow, the first of them first. */
  droppable?: readonly number[];
  /** The colour of a cell; default: none. */
  colour?(thing: T, column: number): Colour | undefined;
}

/** Things in the form that is asked for. JSON Lines come as the things do. */
export async function printThings<T>(
  things: AsyncIterable<T> | Iterable<T>,
  view: View<T>,
  flags: OutputFlags,
): Promise<void> {
  if (flags.quiet || flags.output === 'jsonl')
    return printLines(things, (thing) => (flags.quiet ? view.id(thing) : JSON.stringify(thing)));
  const all: T[] = [];
  for await (const thing of things) all.push(thing);
  await print(
    flags.output === 'json' ? `${JSON.stringify(all, null, 2)}\n` : tableOf(all, view, columnsOfOutput()),
  );
}

/** Lines go together while earlier ones are written. */
async function printLines<T>(
  things: AsyncIterable<T> | Iterable<T>,
  lineOf: (thing: T) => string,
): Promise<void> {
  const sink = new Sink(1);
  for await (const thing of things) await sink.write(Buffer.from(`${lineOf(thing)}\n`));
  await sink.flush();
}

/** The last column has so much of a terminal, if others can go. */
const LEAST_OF_LAST = 20;

/** As a table with its colours; it has so many columns of a terminal. */
export function tableOf<T>(things: readonly T[], view: View<T>, columns: number): string {
  const rows = things.map((thing) => view.cells(thing).map(visible));
  const shown = view.heading.map((_, at) => at);
  const gaps = (): number => 2 * (shown.length - 1);
  const widths = widthsOf(view.heading, rows);
  const needed = (): number =>
    shown
      .slice(0, -1)
      .reduce((sum, at) => sum + (widths[at] ?? 0), Math.min(widths.at(-1) ?? 0, LEAST_OF_LAST) + gaps());
  for (const at of view.droppable ?? []) if (needed() > columns) shown.splice(shown.indexOf(at), 1);
  const pick = (cells: readonly string[]): string[] => shown.map((at) => cells[at] ?? '');
  return table(pick(view.heading), rows.map(pick), columns, (text, row, column) => {
    const colour = view.colour?.(things[row] as T, shown[column] as number);
    return colour === undefined ? text : coloured(colour, text);
  });
}
