import { type Command, Option } from 'commander';
import { say } from '../process/say.ts';
import { addressOf, Server, type ServerFlags, withServer } from '../process/server.ts';
import { print } from '../process/sink.ts';
import { againOf, type Otherwise } from '../run/again.ts';
import { asCurl } from '../run/as-curl.ts';
import { exactRecord } from '../run/exact-record.ts';
import { isFed } from '../run/feed.ts';
import { submitAgain } from '../run/in-session.ts';
import { olderFiles } from '../run/sent-files.ts';
import { start } from '../run/start.ts';
import { seconds } from '../words/duration.ts';
import { object, pair, variable } from '../words/pairs.ts';

interface Flags extends ServerFlags, Omit<Otherwise, 'stdin'> {
  detach?: true;
  interactive?: true;
  stdin: boolean;
  dryRun?: true;
}

const EXAMPLES = `Examples:
  runwire rerun $id
  runwire rerun -d --timeout 10m -e DEBUG=1 $id
  runwire rerun $id < input.txt
`;

export function addRerun(program: Command): void {
  withServer(program.command('rerun <id>'))
    .summary('the same once more')
    .description(
      'Starts what a run was started with once more, under a new id, and follows it as `run` does. Inputs, assets and environment spec\nare those of the first, in their versions. Files that were sent beside it (multipart) are not kept, and not sent.',
    )
    .addHelpText('before', EXAMPLES)
    .option('-d, --detach', 'print the id alone, and leave the run to the server')
    .option('-i, --interactive', 'standard input goes to it, of a terminal too')
    .option('--no-stdin', 'it has no standard input, where the first was fed')
    .option('-e, --env <NAME=VALUE>', 'this variable otherwise; NAME alone: as it is here', variable)
    .option('--timeout <duration>', 'it may take so long: 30s, 5m, 1h30m', seconds)
    .option('--name <name>', 'another name')
    .option('-l, --label <NAME=VALUE>', 'metadata that it has besides', pair)
    .option('--id <id>', 'its id; the same again joins the run')
    .addOption(
      new Option('--options <json>', 'options otherwise, in JSON; null takes one away').argParser(object),
    )
    .option('--dry-run', 'print the request as curl, and do nothing')
    .action(rerun);
}

async function rerun(id: string, flags: Flags): Promise<void> {
  const server = new Server(flags);
  const record = await exactRecord(server, id);
  const wasFed = record.invocation.options.stdin_open === true;
  const isGiven = flags.interactive === true || (wasFed && !flags.detach && isFed());
  const stdin = flags.stdin ? isGiven || ('as-it-was' as const) : false;
  const invocation = againOf(record, { ...flags, stdin });
  if (invocation.working_directory === null && invocation.options?.workspace === undefined) {
    const [first, ...more] = await olderFiles(server.quick.attach(id), record);
    const others = more.length === 0 ? '' : ` and ${more.length} more`;
    if (first !== undefined)
      say(`files that were sent beside ${id} are not sent again, which has older ones: ${first}${others}`);
  }
  if (flags.dryRun) {
    const hasToken = flags.token !== undefined || !!process.env.RUNWIRE_TOKEN;
    const address = `${addressOf(flags).replace(/\/+$/, '')}/invocations`;
    return print(`${asCurl('POST', address, hasToken, invocation)}\n`);
  }
  await start(server, invocation, {
    detach: flags.detach === true,
    stdin: isGiven && stdin === true && !flags.detach,
    submit: submitAgain,
  });
}
