import { type Command, Option } from 'commander';
import { addressOf, Server, type ServerFlags, withServer } from '../process/server.ts';
import { print } from '../process/sink.ts';
import { asCurl } from '../run/as-curl.ts';
import { isFed } from '../run/feed.ts';
import { invocationOf, type RunFlags } from '../run/invocation.ts';
import { start } from '../run/start.ts';
import { seconds } from '../words/duration.ts';
import { object, pair, several, variable } from '../words/pairs.ts';

interface Flags extends RunFlags, ServerFlags {
  detach?: true;
  interactive?: true;
  stdin: boolean;
  dryRun?: true;
}

const EXAMPLES = `Examples:
  runwire run -- sh -c 'echo hello'
  runwire run --timeout 5m -e CI=1 -- make test
  runwire run --image alpine:3 -- cat /etc/os-release
  tar cz src | runwire run -- tar tz
  id=$(runwire run -d --name nightly -- ./nightly)
`;

export function addRun(program: Command): void {
  withServer(program.command('run [argv...]').passThroughOptions())
    .summary('run a program: its output, its exit code')
    .description(
      'Runs a program on the server, with its output on ours and its exit code as ours.\nCtrl-C cancels it, a second one kills it.',
    )
    .addHelpText('before', EXAMPLES)
    .option('-d, --detach', 'print the id alone, and leave the run to the server')
    .option(
      '-i, --interactive',
      'standard input goes to it, of a terminal too (of a pipe or file it always does)',
    )
    .option('--no-stdin', 'it has no standard input')
    .option('-e, --env <NAME=VALUE>', 'a variable of its environment; NAME alone: as it is here', variable)
    .option('-C, --directory <path>', 'where it works, on the server (else a directory of its own)')
    .option('--timeout <duration>', 'it may take so long: 30s, 5m, 1h30m', seconds)
    .option('--grace <duration>', 'between the request to end and the kill', seconds)
    .option('--name <name>', 'a name for what it does')
    .option('-l, --label <NAME=VALUE>', 'metadata of the run', pair)
    .option('--id <id>', 'its id; the same again joins the run')
    .option('--kind <kind>', 'runtime kind (subprocess)')
    .option('--image <image>', 'in a container of this image: kind docker')
    .option('--spec <name>', 'environment spec, name or name@version')
    .option('--workspace <id>', 'in this workspace')
    .option('--session <id>', 'in this session')
    .option('--artifact <glob>', 'files to keep', several)
    .addOption(new Option('--options <json>', 'options of the invocation, in JSON').argParser(object))
    .option('--dry-run', 'print the request as curl, and do nothing')
    .action(runAndFollow);
}

async function runAndFollow(argv: string[], flags: Flags): Promise<void> {
  const stdin = flags.stdin && !flags.detach && (flags.interactive || (argv.length > 0 && isFed()));
  const invocation = invocationOf(argv, flags, stdin === true);
  const server = new Server(flags);
  if (flags.dryRun) {
    const hasToken = flags.token !== undefined || !!process.env.RUNWIRE_TOKEN;
    return print(
      `${asCurl('POST', `${addressOf(flags).replace(/\/+$/, '')}/invocations`, hasToken, invocation)}\n`,
    );
  }
  await start(server, invocation, { detach: flags.detach === true, stdin: stdin === true });
}
