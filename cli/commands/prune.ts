import { type Command, Option } from 'commander';
import {
  ConflictError,
  GoneError,
  NotFoundError,
  type RunRecord,
  type Runwire,
} from '../../client/runwire.ts';
import { runs } from '../print/runs.ts';
import { type OutputFlags, printThings, withOutput } from '../print/things.ts';
import { ask, canAsk } from '../process/ask.ts';
import { EXIT } from '../process/exit-codes.ts';
import { Failure } from '../process/failure.ts';
import { say } from '../process/say.ts';
import { Server, type ServerFlags, withServer } from '../process/server.ts';
import { spinner } from '../process/spinner.ts';
import { serverNow } from '../process/watched-fetch.ts';
import { seconds } from '../words/duration.ts';
import { type Pairs, pair } from '../words/pairs.ts';

interface Flags extends ServerFlags, OutputFlags {
  olderThan?: number;
  status?: RunRecord['status'];
  kind?: string;
  name?: string;
  label?: Pairs;
  all?: true;
  dryRun?: true;
  yes?: true;
}

const FINISHED = ['succeeded', 'failed', 'timed_out', 'cancelled', 'rejected'] as const;
/** So many are removed at once. */
const TOGETHER = 8;

const EXAMPLES = `Examples:
  runwire prune --older-than 7d --dry-run
  runwire prune --older-than 7d --status succeeded --yes
  runwire prune -l team=search
`;

export function addPrune(program: Command): void {
  withServer(withOutput(program.command('prune')))
    .summary('remove finished runs')
    .description(
      'Removes records, output and files of runs that have finished and are all that is asked for. On a terminal it asks first.',
    )
    .addHelpText('before', EXAMPLES)
    .option(
      '--older-than <duration>',
      'they finished so long ago, by the clock of the server: 12h, 7d',
      seconds,
    )
    .addOption(new Option('--status <status>', 'of this status').choices(FINISHED))
    .option('--kind <kind>', 'of this kind')
    .option('--name <name>', 'of this name')
    .option('-l, --label <NAME=VALUE>', 'with this metadata', pair)
    .option('--all', 'all that have finished')
    .option('--dry-run', 'print which, and remove nothing')
    .option('-y, --yes', 'do not ask')
    .action(prune);
}

async function prune(flags: Flags): Promise<void> {
  const { olderThan, status, kind, name, label } = flags;
  if (!flags.all && [olderThan, status, kind, name, label].every((one) => one === undefined))
    throw new Failure('which runs? --older-than, --status, --kind, --name, --label or --all', EXIT.usage);
  const { patient: rw, quick } = new Server(flags);
  const found = matching(quick, flags);
  if (flags.dryRun) return printThings(found, runs, flags);
  if (!flags.yes && !canAsk())
    throw new Failure('--yes is needed where there is no terminal to ask on', EXIT.usage);
  const ids: string[] = [];
  for await (const { invocation } of found) ids.push(invocation.invocation_id);
  if (ids.length === 0) return say('there is nothing to remove');
  if (!flags.yes && !(await ask(`Remove ${runsInWords(ids.length)}, with output and files?`)))
    return say('nothing is removed');
  await removeAll(rw, ids);
}

async function* matching(rw: Runwire, flags: Flags): AsyncGenerator<RunRecord> {
  const { kind, name, label = {}, olderThan = 0 } = flags;
  for (const status of flags.status === undefined ? FINISHED : [flags.status])
    for await (const record of rw.list({ status, runtime_kind: kind, runtime_name: name, limit: 1000 })) {
      const age = serverNow() - Date.parse(record.finished_at as string);
      const { metadata } = record.invocation;
      const isMeant = Object.entries(label).every(([key, value]) => metadata[key] === value);
      if (isMeant && age >= olderThan * 1000) yield record;
    }
}

/** Those that are needed stay, and are told. */
async function removeAll(rw: Runwire, ids: readonly string[]): Promise<void> {
  let [next, removed] = [0, 0];
  spinner.tell(() => `${removed} of ${ids.length} are removed`);
  const removeOn = async (): Promise<void> => {
    for (let id = ids[next++]; id !== undefined; id = ids[next++])
      try {
        await rw.attach(id).remove();
        removed++;
      } catch (error) {
        if (error instanceof NotFoundError || error instanceof GoneError) continue; // somebody else was quicker
        if (!(error instanceof ConflictError)) throw error;
        say(`${id} stays: ${error.message}`);
        process.exitCode = EXIT.undone;
      }
  };
  try {
    await Promise.all(Array.from({ length: TOGETHER }, removeOn));
  } finally {
    spinner.rest();
    say(`${runsInWords(removed)} ${removed === 1 ? 'is' : 'are'} removed`);
  }
}

const runsInWords = (count: number): string => `${count} finished ${count === 1 ? 'run' : 'runs'}`;
