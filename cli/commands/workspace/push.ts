import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { entriesOf } from '../../files/local-tree.ts';
import { Failure } from '../../process/failure.ts';
import { Progress } from '../../process/progress.ts';
import { Server, type ServerFlags, withServer } from '../../process/server.ts';

const EXAMPLES = `Examples:
  runwire workspace push $ws
  runwire workspace push $ws src --to project/src
`;

export function addPush(group: Command): void {
  withServer(group.command('push <id> [directory]'))
    .summary('send a directory into one')
    .description(
      'Sends all that is in a directory (the current one) into a workspace, whole or not at all. What has the same names\nis replaced, all else stays. Links are sent as links. One file: runwire cp FILE ws/ID:PATH',
    )
    .addHelpText('before', EXAMPLES)
    .option('--to <path>', 'below this directory of the workspace')
    .action(async (id: string, from = '.', flags: ServerFlags & { to?: string } = {}) => {
      if (!(await stat(from)).isDirectory())
        throw new Failure(`${from} is a file: runwire cp ${from} ws/${id}:PATH`);
      const entries = await entriesOf({ from, to: '' });
      const progress = new Progress('sending');
      const server = new Server(flags, progress);
      await server.ask((rw) => rw.workspaces.attach(id).refresh());
      // An archive with nothing in it is none.
      if (entries.length > 0) await server.patient.workspaces.attach(id).push(entries, { path: flags.to });
      progress.end();
    });
}
