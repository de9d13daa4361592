import { type Command, Option } from 'commander';
import type { RunRecord, Runwire } from '../../client/runwire.ts';
import { runs, watchedRuns } from '../print/runs.ts';
import { type OutputFlags, printThings, withOutput } from '../print/things.ts';
import { watch } from '../print/watch.ts';
import { EXIT } from '../process/exit-codes.ts';
import { Failure } from '../process/failure.ts';
import { Server, type ServerFlags, withServer } from '../process/server.ts';
import { moment } from '../words/duration.ts';
import { count, type Pairs, pair } from '../words/pairs.ts';

interface Flags extends ServerFlags, OutputFlags {
  status?: RunRecord['status'];
  kind?: string;
  name?: string;
  label?: Pairs;
  since?: number;
  limit: number;
  watch?: true;
}

const STATUSES: readonly RunRecord['status'][] = [
  ...(['pending', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'rejected'] as const),
];

/** `ps`: what has not finished; `ls`: all. */
export function addLists(program: Command): void {
  withFilters(program.command('ps'))
    .summary('runs that go on or wait')
    .description('Runs that go on, then those that wait, each newest first.')
    .addHelpText('before', 'Examples:\n  runwire ps\n  runwire ps --watch\n  runwire ps -q -l team=search\n')
    .action((flags: Flags) => show(flags, ['running', 'pending']));
  withFilters(program.command('ls'))
    .summary('runs')
    .description('Runs, newest first.')
    .addHelpText(
      'before',
      'Examples:\n  runwire ls --status failed --since 1h\n  runwire ls -o jsonl -n 1000\n  runwire ls --watch -l team=search\n',
    )
    .addOption(new Option('--status <status>', 'of this status').choices(STATUSES))
    .action((flags: Flags) => show(flags, [flags.status]));
}

function withFilters(command: Command): Command {
  return withServer(withOutput(command))
    .option('--kind <kind>', 'of this kind')
    .option('--name <name>', 'of this name')
    .option('-l, --label <NAME=VALUE>', 'with this metadata', pair)
    .option('--since <time>', 'made since: 5m ago, or 2030-01-31T12:00:00Z', moment)
    .option('-n, --limit <number>', 'so many at most', count, 50)
    .option(
      '-w, --watch',
      'again and again: drawn in place on a terminal, else a line for each change; Ctrl-C ends it',
    );
}

async function show(flags: Flags, statuses: Statuses): Promise<void> {
  const { quick } = new Server(flags);
  if (!flags.watch) return printThings(list(quick, flags, statuses), runs, flags);
  if (flags.output === 'json') throw new Failure('--watch: what never ends is -o jsonl', EXIT.usage);
  await watch(
    watchedRuns(quick, () => all(list(quick, flags, statuses))),
    flags,
  );
}

async function all(records: AsyncIterable<RunRecord>): Promise<RunRecord[]> {
  const seen: RunRecord[] = [];
  for await (const record of records) seen.push(record);
  return seen;
}

type Statuses = readonly (RunRecord['status'] | undefined)[];

async function* list(rw: Runwire, flags: Flags, statuses: Statuses): AsyncGenerator<RunRecord> {
  let left = flags.limit;
  for (const status of statuses)
    for await (const record of matching(rw, flags, status, left)) {
      if (left-- <= 0) return;
      yield record;
    }
}

/** The server does not know labels and times: what it gives is looked through. */
async function* matching(
  rw: Runwire,
  { kind, name, label = {}, since = 0, limit }: Flags,
  status: RunRecord['status'] | undefined,
  left: number,
): AsyncGenerator<RunRecord> {
  if (left <= 0) return;
  const filter = {
    status,
    runtime_kind: kind,
    runtime_name: name,
    limit: Math.min(1000, Math.max(limit, 50)),
  };
  for await (const record of rw.list(filter)) {
    if (Date.parse(record.created_at) < since) return;
    const { metadata } = record.invocation;
    if (Object.entries(label).every(([key, value]) => metadata[key] === value)) yield record;
  }
}
