import { isatty } from 'node:tty';
import type { Command } from 'commander';
import { endBy, onInterrupt } from '../process/interrupts.ts';
import { say } from '../process/say.ts';
import { Server, type ServerFlags, withServer } from '../process/server.ts';
import { follow } from '../run/follow.ts';
import { tellWhy } from '../run/waiting.ts';

const EXAMPLES = `Examples:
  runwire attach $id
  echo 'a line' | runwire attach -i $id
`;

export function addAttach(program: Command): void {
  withServer(program.command('attach <id>'))
    .summary('watch a run as `run` does')
    .description(
      'All output of a run, from its first byte to its end, and its exit code. Ctrl-C leaves; the run goes on.\nAny number may be attached to one run.',
    )
    .addHelpText('before', EXAMPLES)
    .option('-i, --interactive', 'our standard input goes to it, where it was started with -i')
    .action(async (id: string, flags: ServerFlags & { interactive?: true }) => {
      const server = new Server(flags);
      const record = await server.quick.attach(id).refresh();
      onInterrupt((_count, signal) => {
        say(`left; the run goes on. To end it: runwire cancel ${id}`);
        endBy(signal);
      });
      const stdin = flags.interactive === true;
      if (!(stdin && isatty(0))) tellWhy(server.patient.attach(id), record);
      process.exitCode = await follow(server.patient.attach(id), record, { stdin });
    });
}
