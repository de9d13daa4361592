import type { Command } from 'commander';
import { Server, type ServerFlags, withServer } from '../../process/server.ts';

const EXAMPLES = `Examples:
  runwire workspace restore $ws $snapshot
  runwire workspace restore $ws
`;

export function addRestore(group: Command): void {
  withServer(group.command('restore <id> [snapshot]'))
    .summary('put it back to a snapshot')
    .description(
      'Puts a workspace back to a snapshot, whole or not at all: what is not in that goes. Without one: to what it was made\nfrom, which may be nothing.',
    )
    .addHelpText('before', EXAMPLES)
    .option('--overlay', 'what is not in the snapshot stays')
    .action(async (id: string, snapshot: string | undefined, flags: ServerFlags & { overlay?: true }) => {
      const workspace = new Server(flags).quick.workspaces.attach(id);
      if (snapshot === undefined) await workspace.reset();
      else await workspace.restore(snapshot, { mode: flags.overlay ? 'overlay' : 'exact' });
    });
}
