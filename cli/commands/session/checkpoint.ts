import type { Command } from 'commander';
import { newId } from '../../../client/runwire.ts';
import { inShort } from '../../print/changes.ts';
import { printMade } from '../../print/thing.ts';
import { type OutputFlags, withOutput } from '../../print/things.ts';
import { say } from '../../process/say.ts';
import { Server, type ServerFlags, withServer } from '../../process/server.ts';
import { type Pairs, pair, several } from '../../words/pairs.ts';
import { said } from '../../words/said.ts';

interface Flags extends ServerFlags, OutputFlags {
  id?: string;
  keep?: string[];
  ignore?: string[];
  label?: Pairs;
  whileRunning?: true;
}

const EXAMPLES = `Examples:
  step=$(runwire session checkpoint $s)
  runwire session checkpoint -o json $s | jq .diff.files[].path
`;

export function addCheckpoint(group: Command): void {
  withServer(withOutput(group.command('checkpoint <session>')))
    .summary('keep what is in one, and print the id of that')
    .description(
      'Keeps what is in the workspace of a session as a snapshot, and prints the id of that; how much has changed since the\ncheckpoint before is said on stderr. With -o json: what has changed.',
    )
    .addHelpText('before', EXAMPLES)
    .option('--id <id>', 'its id')
    .option('--keep <glob>', 'nothing else is in it', several)
    .option('--ignore <glob>', 'what matches is not in it, nor what is below', several)
    .option('-l, --label <NAME=VALUE>', 'metadata', pair)
    .option('--while-running', 'also while a run is in it')
    .action(async (session: string, flags: Flags) => {
      const { keep, ignore, label: metadata, whileRunning } = flags;
      const input = said({ snapshot_id: flags.id ?? newId(), keep, ignore, metadata });
      const checkpoint = await new Server(flags).ask((rw) =>
        rw.sessions.attach(session).checkpoint(input, { whileRunning }),
      );
      await printMade(checkpoint, checkpoint.snapshot.snapshot_id, flags);
      if (flags.output === 'table' && !flags.quiet)
        say(`since ${checkpoint.since}: ${inShort(checkpoint.diff)}`);
    });
}
