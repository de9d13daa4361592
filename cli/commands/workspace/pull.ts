import type { Command } from 'commander';
import { fetched } from '../../files/fetched.ts';
import { whole } from '../../files/selection.ts';
import { Server, type ServerFlags, withServer } from '../../process/server.ts';

const EXAMPLES = `Examples:
  runwire workspace pull $ws
  runwire workspace pull $ws out --glob 'build/**'
`;

export function addPull(group: Command): void {
  withServer(group.command('pull <id> [directory]'))
    .summary('bring what is in one')
    .description(
      'Brings all that is in a workspace into a directory (the current one), which is made. Files are compared with their\nhashes; what is here already does not come again, and what is not there stays here. Links that lead out are not made.',
    )
    .addHelpText('before', EXAMPLES)
    .option('--glob <glob>', 'what matches alone')
    .action(async (id: string, directory = '.', flags: ServerFlags & { glob?: string } = {}) => {
      const server = new Server(flags);
      await server.ask((rw) => rw.workspaces.attach(id).refresh());
      const workspace = server.patient.workspaces.attach(id);
      await fetched(workspace, await whole(workspace, flags.glob), directory);
    });
}
