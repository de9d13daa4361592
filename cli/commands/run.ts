import { type Command, Option } from 'commander';
import type { Run, Runwire } from '../../client/runwire.ts';
import type { Upload } from '../files/local-tree.ts';
import { archiveOf, upload } from '../files/uploads.ts';
import { EXIT } from '../process/exit-codes.ts';
import { Failure, failureOf } from '../process/failure.ts';
import { Progress } from '../process/progress.ts';
import { say } from '../process/say.ts';
import { Screen } from '../process/screen.ts';
import { addressOf, Server, type ServerFlags, withServer } from '../process/server.ts';
import { print } from '../process/sink.ts';
import { asCurl, formAsCurl } from '../run/as-curl.ts';
import { sitAt } from '../run/at-terminal.ts';
import { isFed } from '../run/feed.ts';
import { type Invocation, invocationOf, type RunFlags, withTerminal } from '../run/invocation.ts';
import { start } from '../run/start.ts';
import { seconds } from '../words/duration.ts';
import { object, pair, several, variable } from '../words/pairs.ts';
import { detachOption, ownScreen } from './own-terminal.ts';

interface Flags extends RunFlags, ServerFlags {
  detach?: true;
  interactive?: true;
  tty?: true;
  detachKeys: Buffer;
  stdin: boolean;
  dryRun?: true;
  upload?: Upload[];
  pull?: string;
}

const EXAMPLES = `Examples:
  runwire run -- sh -c 'echo hello'
  runwire run --timeout 5m -e CI=1 -- make test
  runwire run --image alpine:3 -- cat /etc/os-release
  runwire run -it -- bash
  tar cz src | runwire run -- tar tz
  runwire run --upload . --pull out --artifact 'build/**' -- make
  id=$(runwire run -d --name nightly -- ./nightly)
`;

export function addRun(program: Command): void {
  withServer(program.command('run [argv...]').passThroughOptions())
    .summary('run a program: its output, its exit code')
    .description(
      'Runs a program on the server, with its output on ours and its exit code as ours.\nCtrl-C cancels it, a second one kills it; at a terminal of its own (-t) it is a key as all others.',
    )
    .addHelpText('before', EXAMPLES)
    .option('-d, --detach', 'print the id alone, and leave the run to the server')
    .option(
      '-i, --interactive',
      'standard input goes to it, of a terminal too (of a pipe or file it always does)',
    )
    .option('--no-stdin', 'it has no standard input')
    .option('-t, --tty', 'it has a terminal: ours, where it is not left with -d')
    .addOption(detachOption())
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
    .option('--upload <PATH[:DEST]>', 'send this file or directory along (. is all that is in it)', upload)
    .option('--artifact <glob>', 'files to keep', several)
    .option('--pull <directory>', 'then bring what it keeps, or else all of its directory, into this one')
    .addOption(new Option('--options <json>', 'options of the invocation, in JSON').argParser(object))
    .option('--dry-run', 'print the request as curl, and do nothing')
    .action(runAndFollow);
}

async function runAndFollow(argv: string[], flags: Flags): Promise<void> {
  const screen = flags.tty && !flags.detach ? ownScreen() : null;
  const stdin =
    flags.stdin && !flags.detach && !flags.tty && (flags.interactive || (argv.length > 0 && isFed()));
  const plain = invocationOf(argv, flags, stdin === true);
  const invocation = flags.tty ? withTerminal(plain, new Screen().size) : plain;
  if (flags.detach && flags.pull !== undefined)
    throw new Failure('--pull waits for the end of the run, -d does not', EXIT.usage);
  const archive = (await archiveOf(flags.upload)) ?? undefined;
  const progress = new Progress('sending');
  const server = new Server(flags, progress);
  if (flags.dryRun) {
    const hasToken = flags.token !== undefined || !!process.env.RUNWIRE_TOKEN;
    const address = `${addressOf(flags).replace(/\/+$/, '')}/invocations`;
    if (archive) say('FILES.tar stands for an archive of what --upload names');
    const line = archive
      ? formAsCurl(address, hasToken, 'invocation', invocation, 'FILES.tar')
      : asCurl('POST', address, hasToken, invocation);
    return print(`${line}\n`);
  }
  const submit = async (rw: Runwire, whole: Invocation): Promise<Run> => {
    const run = await rw.submit(whole, { archive });
    progress.end();
    return run;
  };
  const run = await start(server, invocation, {
    detach: flags.detach === true,
    stdin: stdin === true,
    submit,
    ...(screen !== null && { sit: (run, record) => sitAt(run, record, screen, flags.detachKeys) }),
  });
  if (run !== null && flags.pull !== undefined) await pullInto(run, flags.pull, flags);
}

/** The exit code stays that of a run that did not succeed. */
async function pullInto(run: Run, directory: string, flags: Flags): Promise<void> {
  try {
    const { pull } = await import('../files/pull.ts');
    await pull(run, await run.wait(), directory);
  } catch (error) {
    const { lines, exitCode } = failureOf(error, addressOf(flags));
    for (const line of lines) say(`not all is in ${directory}: ${line}`);
    process.exitCode ||= exitCode;
  }
}
