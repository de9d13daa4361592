import type { Command } from 'commander';
import { page } from '../print/page.ts';
import { printThing } from '../print/thing.ts';
import { type OutputFlags, withOutput } from '../print/things.ts';
import { Server, type ServerFlags, withServer } from '../process/server.ts';
import { lastLines } from '../run/tail.ts';

/** More do not fit. */
const LINES = 20;

export function addShow(program: Command): void {
  withServer(withOutput(program.command('show <id>')))
    .summary('all of a run on one screen, why it failed first')
    .description(
      'What a run is, how and why it ended, and its last lines of stderr. With -o json: its record.',
    )
    .addHelpText('before', 'Examples:\n  runwire show $id\n  runwire show -o json $id | jq .outcome\n')
    .action(async (id: string, flags: ServerFlags & OutputFlags) => {
      const run = new Server(flags).quick.attach(id);
      const record = await run.refresh();
      await printThing(record, id, flags, async () => {
        const streams =
          record.status === 'succeeded' ? (['stdout'] as const) : (['stderr', 'stdout'] as const);
        const of = record.outcome?.ended === 'setup_failed' ? ' of the setup' : '';
        for (const stream of streams) {
          const lines = await lastLines(run, record, stream, LINES);
          if (lines.length > 0 || stream === 'stdout') return page(record, `${stream}${of}`, lines);
        }
        return '';
      });
    });
}
