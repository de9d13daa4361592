import { type Command, Option } from 'commander';
import type { RunRecord, Runwire } from '../../client/runwire.ts';
import { runs } from '../print/runs.ts';
import { type OutputFlags, printThings, withOutput } from '../print/things.ts';
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
}

const STATUSES: readonly RunRecord['status'][] = [
  ...(['pending', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'rejected'] as const),
];

/** `ps`: what has not finished; `ls`: all. */
export function addLists(program: Command): void {
  withFilters(program.command('ps'))
    .summary('runs that go on or wait')
    .description('Runs that go on, then those that wait, each newest first.')
    .addHelpText('before', 'Examples:\n  runwire ps\n  runwire ps -q -l team=search\n')
    .action((flags: Flags) => printThings(list(flags, ['running', 'pending']), runs, flags));
  withFilters(program.command('ls'))
    .summary('runs')
    .description('Runs, newest first.')
    .addHelpText(
      'before',
      'Examples:\n  runwire ls --status failed --since 1h\n  runwire ls -o jsonl -n 1000\n',
    )
    .addOption(new Option('--status <status>', 'of this status').choices(STATUSES))
    .action((flags: Flags) => printThings(list(flags, [flags.status]), runs, flags));
}

function withFilters(command: Command): Command {
  return withServer(withOutput(command))
    .option('--kind <kind>', 'of this kind')
    .option('--name <name>', 'of this name')
    .option('-l, --label <NAME=VALUE>', 'with this metadata', pair)
    .option('--since <time>', 'made since: 5m ago, or 2030-01-31T12:00:00Z', moment)
    .option('-n, --limit <number>', 'so many at most', count, 50);
}

async function* list(flags: Flags, statuses: (RunRecord['status'] | undefined)[]): AsyncGenerator<RunRecord> {
  const { quick } = new Server(flags);
  let left = flags.limit;
  for (const status of statuses)
    for await (const record of matching(quick, flags, status, left)) {
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
