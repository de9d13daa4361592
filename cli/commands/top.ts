import type { Command } from 'commander';
import type { RunRecord, Runwire } from '../../client/runwire.ts';
import { Board } from '../print/board.ts';
import { type Numbers, numbersIn } from '../print/numbers.ts';
import { runs } from '../print/runs.ts';
import { columnsOfOutput } from '../print/table.ts';
import { tableOf } from '../print/things.ts';
import { repeat } from '../print/watch.ts';
import { Server, type ServerFlags, withServer } from '../process/server.ts';
import { print } from '../process/sink.ts';
import { cut } from '../process/width.ts';
import { inWords } from '../words/duration.ts';
import { inWords as sizeInWords } from '../words/size.ts';

const EXAMPLES = `Examples:
  runwire top
  runwire top --once
`;

/** More are not asked for: they would not be seen. */
const MOST = 200;

export function addTop(program: Command): void {
  withServer(program.command('top'))
    .summary('what the server does now')
    .description(
      'What goes on, the oldest first, then what waits, and how full the server is; drawn in place until Ctrl-C. In a pipe: once.\nWhat a run uses of CPU and memory is known when it has ended: runwire show.',
    )
    .addHelpText('before', EXAMPLES)
    .option('--once', 'print it once')
    .action(async (flags: ServerFlags & { once?: true }) => {
      const { quick } = new Server(flags);
      const look = async (): Promise<string[]> => linesOf(await numbersNow(quick), await unfinished(quick));
      if (flags.once || !process.stdout.isTTY) return print(`${(await look()).join('\n')}\n`);
      const board = new Board();
      await repeat(async () => board.draw(await look()));
    });
}

const numbersNow = async (rw: Runwire): Promise<Numbers> => numbersIn(await rw.metrics());

async function unfinished(rw: Runwire): Promise<RunRecord[]> {
  const [running, pending] = await Promise.all(
    (['running', 'pending'] as const).map((status) => rw.list({ status, limit: MOST }).toArray(MOST)),
  );
  return [...(running ?? []).toReversed(), ...(pending ?? []).toReversed()];
}

function linesOf(numbers: Numbers, records: readonly RunRecord[]): string[] {
  const columns = columnsOfOutput();
  const number = (name: string): number => numbers.get(name) ?? Number.NaN;
  const taken = (sort: string): string =>
    `${number(`runwire_places_taken{of="${sort}"}`)} of ${number(`runwire_places{of="${sort}"}`)}`;
  const lag = number('runwire_event_loop_lag_seconds{quantile="0.99"}') * 1000;
  const full = [
    `programs ${taken('programs')}`,
    `calls ${taken('calls')}`,
    `waiting ${number('runwire_queue_depth')}`,
    `server ${sizeInWords(number('process_resident_memory_bytes'))}, lag ${inWords(lag)}`,
    `disk ${sizeInWords(number('runwire_disk_free_bytes'))} free`,
  ];
  return [cut(full.join(' · '), columns), '', ...tableOf(records, runs, columns).trimEnd().split('\n')];
}
