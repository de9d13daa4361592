import type { Command } from 'commander';
import { each } from '../../process/each.ts';
import { type ServerFlags, withServer } from '../../process/server.ts';

const EXAMPLES = `Examples:
  runwire workspace rm $ws
  runwire workspace rm -f $(runwire workspace ls -q)
`;

export function addRemove(group: Command): void {
  withServer(group.command('rm <id...>'))
    .summary('remove some')
    .description('Removes workspaces. Their snapshots stay: runwire snapshot rm')
    .addHelpText('before', EXAMPLES)
    .option('-f, --force', 'their unfinished runs are cancelled first')
    .action((ids: string[], flags: ServerFlags & { force?: true }) =>
      each(ids, flags, (rw, id) => rw.workspaces.attach(id).remove({ cancel: flags.force })),
    );
}
