import type { Command } from 'commander';
import { each } from '../../process/each.ts';
import { type ServerFlags, withServer } from '../../process/server.ts';

export function addRemove(group: Command): void {
  withServer(group.command('rm <id...>'))
    .summary('remove some')
    .description('Removes snapshots.')
    .addHelpText('before', 'Examples:\n  runwire snapshot rm $(runwire snapshot ls -q --workspace $ws)\n')
    .action((ids: string[], flags: ServerFlags) =>
      each(ids, flags, (rw, id) => rw.snapshots.attach(id).remove()),
    );
}
