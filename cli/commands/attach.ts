import { isatty } from 'node:tty';
import type { Command } from 'commander';
import { endBy, onInterrupt } from '../process/interrupts.ts';
import { say } from '../process/say.ts';
import { Screen } from '../process/screen.ts';
import { Server, type ServerFlags, withServer } from '../process/server.ts';
import { sitAt } from '../run/at-terminal.ts';
import { follow } from '../run/follow.ts';
import { tellWhy } from '../run/waiting.ts';
import { detachOption } from './own-terminal.ts';

const EXAMPLES = `Examples:
  runwire attach $id
  echo 'a line' | runwire attach -i $id
`;

interface Flags extends ServerFlags {
  interactive?: true;
  detachKeys: Buffer;
}

export function addAttach(program: Command): void {
  withServer(program.command('attach <id>'))
    .summary('watch a run as `run` does')
    .description(
      'All output of a run, from its first byte to its end, and its exit code. Ctrl-C leaves; the run goes on.\nAny number may be attached to one run. Of a run with a terminal (-t) ours is it: --detach-keys leave.',
    )
    .addHelpText('before', EXAMPLES)
    .option('-i, --interactive', 'our standard input goes to it, where it was started with -i')
    .addOption(detachOption())
    .action(async (id: string, flags: Flags) => {
      const server = new Server(flags);
      const record = await server.quick.attach(id).refresh();
      if (record.invocation.options.terminal && Screen.isThere) {
        const run = server.patient.attach(id);
        process.exitCode = await sitAt(run, record, new Screen(), flags.detachKeys);
        return;
      }
      onInterrupt((_count, signal) => {
        say(`left; the run goes on. To end it: runwire cancel ${id}`);
        endBy(signal);
      });
      const stdin = flags.interactive === true;
      if (!(stdin && isatty(0))) tellWhy(server.patient.attach(id), record);
      process.exitCode = await follow(server.patient.attach(id), record, { stdin });
    });
}
