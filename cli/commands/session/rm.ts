import type { Command } from 'commander';
import { each } from '../../process/each.ts';
import { type ServerFlags, withServer } from '../../process/server.ts';

export function addRemove(group: Command): void {
  withServer(group.command('rm <id...>'))
    .summary('close some')
    .description(
      'Closes sessions: their runs are cancelled, what they hold ends, their own workspaces go. Checkpoints stay.',
    )
    .addHelpText('before', 'Examples:\n  runwire session rm $(runwire session ls -q)\n')
    .action((ids: string[], flags: ServerFlags) =>
      each(ids, flags, (rw, id) => rw.sessions.attach(id).remove()),
    );
}
