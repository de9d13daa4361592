import type { Command } from 'commander';
import type { Runwire } from '../../client/runwire.ts';
import { type Numbers, numbersIn } from '../print/numbers.ts';
import { type OutputFlags, printThings, type View, withOutput } from '../print/things.ts';
import { Server, type ServerFlags, withServer } from '../process/server.ts';
import { inWords } from '../words/size.ts';

/** What takes room on the disk of the server. Null: that is not told, or there is none. */
interface Part {
  what: string;
  count: number | null;
  bytes: number | null;
  /** Bytes that it may have. */
  limit: number | null;
}

const parts: View<Part> = {
  heading: ['WHAT', 'COUNT', 'SIZE', 'LIMIT'],
  id: ({ what }) => what,
  cells: ({ what, count, bytes, limit }) => [
    what,
    count === null ? '-' : String(count),
    bytes === null ? '-' : inWords(bytes),
    limit === null ? '-' : inWords(limit),
  ],
};

export function addDf(program: Command): void {
  withServer(withOutput(program.command('df')))
    .summary('what takes room on the server')
    .description(
      'What is kept on the disk of the server. Runs: those that have finished. Workspaces: when they were last counted. Snapshots: what is in them,\neach for itself; the same bytes are kept once. Assets: the newest version of each.',
    )
    .addHelpText('before', 'Examples:\n  runwire df\n  runwire df -o json | jq .\n')
    .action((flags: ServerFlags & OutputFlags) =>
      printThings(partsOf(new Server(flags).quick), parts, flags),
    );
}

async function* partsOf(rw: Runwire): AsyncGenerator<Part> {
  const numbers = numbersIn(await rw.metrics());
  yield {
    what: 'runs',
    count: of(numbers, 'runwire_finished_runs'),
    bytes: of(numbers, 'runwire_finished_runs_bytes'),
    limit: of(numbers, 'runwire_retention_limit_bytes'),
  };
  yield { what: 'workspaces', ...(await sum(rw.workspaces.list({ limit: 1000 }))), limit: null };
  yield { what: 'snapshots', ...(await sum(rw.snapshots.list({ limit: 1000 }))), limit: null };
  yield { what: 'assets', ...(await sum(rw.assets.list({ limit: 1000 }))), limit: null };
  const size = of(numbers, 'runwire_disk_size_bytes');
  const free = of(numbers, 'runwire_disk_free_bytes');
  yield {
    what: 'disk',
    count: null,
    bytes: size === null || free === null ? null : size - free,
    limit: size,
  };
}

/** Null: there is no such number, or it is without bound. */
function of(numbers: Numbers, name: string): number | null {
  const number = numbers.get(name);
  return number === undefined || !Number.isFinite(number) ? null : number;
}

async function sum(things: AsyncIterable<{ bytes: number }>): Promise<{ count: number; bytes: number }> {
  const total = { count: 0, bytes: 0 };
  for await (const { bytes } of things) {
    total.count++;
    total.bytes += bytes;
  }
  return total;
}
