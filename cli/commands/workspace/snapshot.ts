import type { Command } from 'commander';
import { newId } from '../../../client/runwire.ts';
import { tellLeftOut } from '../../files/receive.ts';
import { printMade } from '../../print/thing.ts';
import { type OutputFlags, withOutput } from '../../print/things.ts';
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
  before=$(runwire workspace snapshot $ws)
  runwire workspace snapshot $ws --id release-1 --ignore '**/*.o'
`;

export function addSnapshot(group: Command): void {
  withServer(withOutput(group.command('snapshot <workspace>')))
    .summary('keep what is in one, and print the id of that')
    .description('Keeps what is in a workspace at this moment, and prints the id of the snapshot.')
    .addHelpText('before', EXAMPLES)
    .option('--id <id>', 'its id')
    .option('--keep <glob>', 'nothing else is in it', several)
    .option('--ignore <glob>', 'what matches is not in it, nor what is below', several)
    .option('-l, --label <NAME=VALUE>', 'metadata', pair)
    .option('--while-running', 'also while a run is in it')
    .action(async (workspace: string, flags: Flags) => {
      const { keep, ignore, label: metadata, whileRunning } = flags;
      const input = said({ snapshot_id: flags.id ?? newId(), keep, ignore, metadata });
      const snapshot = await new Server(flags).ask((rw) =>
        rw.workspaces.attach(workspace).snapshot(input, { whileRunning }),
      );
      await printMade(snapshot.record ?? {}, snapshot.id, flags);
      tellLeftOut(snapshot.record?.omitted.map(({ path, reason }) => `${path}: ${reason}`) ?? []);
    });
}
