import type { Command } from 'commander';
import { endBy, onInterrupt } from '../process/interrupts.ts';
import { Server, type ServerFlags, withServer } from '../process/server.ts';
import { show } from '../run/channels.ts';
import { showLines } from '../run/shown-lines.ts';
import { startOfLastLines } from '../run/tail.ts';
import { expression } from '../words/expression.ts';
import { count } from '../words/pairs.ts';

interface Flags extends ServerFlags {
  follow?: true;
  tail?: number;
  timestamps?: true;
  grep?: RegExp;
  ignoreCase?: true;
  stdout?: true;
  stderr?: true;
}

const EXAMPLES = `Examples:
  runwire logs $id
  runwire logs -f -n 20 $id
  runwire logs --stderr -t $id
  runwire logs -f --grep 'error|warning' $id
`;

export function addLogs(program: Command): void {
  withServer(program.command('logs <id>'))
    .summary('what a run has written')
    .description('What a run has written so far, byte by byte: its stdout on ours, its stderr on ours.')
    .addHelpText('before', EXAMPLES)
    .option('-f, --follow', 'and what it writes on, until it ends; Ctrl-C leaves')
    .option('-n, --tail <lines>', 'the last lines alone, of each stream', count)
    .option('-t, --timestamps', 'each line with its time')
    .option('--grep <pattern>', 'lines alone in which this regular expression is found', expression)
    .option('--ignore-case', 'the same in capitals too')
    .option('--stdout', 'stdout alone')
    .option('--stderr', 'stderr alone')
    .action(async (id: string, flags: Flags) => {
      const server = new Server(flags);
      await server.quick.attach(id).refresh();
      if (flags.follow) onInterrupt((_count, signal) => endBy(signal));
      const run = (flags.follow ? server.patient : server.quick).attach(id);
      const { tail, follow = false } = flags;
      const both = flags.stdout === flags.stderr;
      const shown = { follow, stdout: both || flags.stdout === true, stderr: both || flags.stderr === true };
      const pattern = flags.grep && (flags.ignoreCase ? new RegExp(flags.grep, 'iu') : flags.grep);
      if (flags.timestamps || pattern)
        return showLines(run, { ...shown, tail, pattern, timed: flags.timestamps === true });
      await show(run, {
        ...shown,
        ...(tail !== undefined && { offset: (stream) => startOfLastLines(run, stream, tail) }),
      });
    });
}
