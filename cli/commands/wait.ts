import type { Command } from 'commander';
import { EXIT, exitCodeOf } from '../process/exit-codes.ts';
import { Server, type ServerFlags, withServer } from '../process/server.ts';
import { print } from '../process/sink.ts';
import { spinner } from '../process/spinner.ts';
import { visible } from '../process/visible.ts';
import { tellWhy } from '../run/waiting.ts';

const EXAMPLES = `Examples:
  runwire wait $id && echo it went well
  runwire wait -q $one $two
`;

export function addWait(program: Command): void {
  withServer(program.command('wait <id...>'))
    .summary('wait for the end of runs')
    .description(
      'Waits until all have finished. The exit code is that of the first, as they stand here, that is not 0.',
    )
    .addHelpText('before', EXAMPLES)
    .option('-q, --quiet', 'print nothing')
    .action(async (ids: string[], flags: ServerFlags & { quiet?: true }) => {
      const server = new Server(flags);
      const records = [];
      for (const id of ids) records.push(await server.quick.attach(id).refresh());
      let left = ids.length;
      const tell = (): void => {
        if (ids.length > 1 && left > 0) spinner.tell(() => `waits for ${left} of ${ids.length} runs`);
      };
      tell();
      const [only] = records;
      if (only && ids.length === 1) tellWhy(server.patient.attach(only.invocation.invocation_id), only);
      const codes = await Promise.all(
        ids.map(async (id) => {
          const record = await server.patient.attach(id).wait();
          left--;
          spinner.rest();
          const why = record.result.error_summary;
          if (!flags.quiet)
            await print(`${id}\t${record.status}${why === null ? '' : `\t${visible(why)}`}\n`);
          tell();
          return exitCodeOf(record);
        }),
      );
      process.exitCode = codes.find((code) => code !== 0) ?? EXIT.succeeded;
    });
}
