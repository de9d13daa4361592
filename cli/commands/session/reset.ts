import type { Command } from 'commander';
import { Server, type ServerFlags, withServer } from '../../process/server.ts';

export function addReset(group: Command): void {
  withServer(group.command('reset <id>'))
    .summary('put one back to what it was when it was ready')
    .description(
      'Puts a session back to what it was when it was ready, and waits until it has been set up again.',
    )
    .addHelpText('before', 'Examples:\n  runwire session reset $s\n')
    .option('--no-wait', 'do not wait for that')
    .action(async (id: string, flags: ServerFlags & { wait: boolean }) => {
      const server = new Server(flags);
      await server.quick.sessions.attach(id).reset();
      if (flags.wait) await server.patient.sessions.attach(id).ready();
    });
}
