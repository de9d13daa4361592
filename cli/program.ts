import { Command, CommanderError } from 'commander';
import { addAsset } from './commands/asset.ts';
import { addAttach } from './commands/attach.ts';
import { addCompletion } from './commands/completion.ts';
import { addCopy } from './commands/cp.ts';
import { addDf } from './commands/df.ts';
import { addLists } from './commands/lists.ts';
import { addLogs } from './commands/logs.ts';
import { addMcp } from './commands/mcp.ts';
import { addPrune } from './commands/prune.ts';
import { addRerun } from './commands/rerun.ts';
import { addRun } from './commands/run.ts';
import { addRuntime } from './commands/runtime.ts';
import { addServe } from './commands/serve.ts';
import { addSession } from './commands/session.ts';
import { addShow } from './commands/show.ts';
import { addSnapshots } from './commands/snapshot.ts';
import { addSpec } from './commands/spec.ts';
import { addStdin } from './commands/stdin.ts';
import { addStop } from './commands/stop.ts';
import { addTop } from './commands/top.ts';
import { addVersion, version } from './commands/version.ts';
import { addWait } from './commands/wait.ts';
import { addWorkspace } from './commands/workspace.ts';
import about from '../package.json' with { type: 'json' };
import { EXIT } from './process/exit-codes.ts';
import { failureOf } from './process/failure.ts';
import { say } from './process/say.ts';
import { addressOf } from './process/server.ts';
import { ReaderGone } from './process/sink.ts';

type Add = (program: Command) => void;

/** Commands that are loaded without the others. */
const ALONE: { readonly [name: string]: () => Promise<Add> } = {
  run: async () => (await import('./commands/run.ts')).addRun,
  attach: async () => (await import('./commands/attach.ts')).addAttach,
  logs: async () => (await import('./commands/logs.ts')).addLogs,
  wait: async () => (await import('./commands/wait.ts')).addWait,
  stdin: async () => (await import('./commands/stdin.ts')).addStdin,
};

/** What adds the command that is called by this word, or all where there is need of them. */
async function commandsFor(word = ''): Promise<readonly Add[]> {
  const alone = Object.hasOwn(ALONE, word) ? ALONE[word] : undefined;
  return alone ? [await alone()] : (await import('./all-commands.ts')).ALL;
}

export function commandLine(commands: readonly Add[]): Command {
  const program = new Command('runwire')
    .description('Runs programs on a Runwire server, and shows what they do.')
    .enablePositionalOptions()
    .version(about.version, '-v, --version', 'the version of this program')
    .helpOption('-h, --help', 'what there is')
    .helpCommand('help [command]', 'what a command does')
    .addHelpText('after', '\nThe server is that of RUNWIRE_URL and RUNWIRE_TOKEN. Exit codes: docs/cli.md')
    .showSuggestionAfterError();
  for (const add of [
    addRun,
    addAttach,
    addLogs,
    addLists,
    addShow,
    addWait,
    addStdin,
    addStop,
    addRerun,
    addPrune,
    addTop,
    addDf,
    addRuntime,
    addMcp,
    addCopy,
    addWorkspace,
    addSnapshots,
    addSession,
    addSpec,
    addAsset,
    addServe,
    addCompletion,
    addVersion,
  ])
    add(program);
  throwing(program);
  for (const add of commands) add(program);
  for (const command of [program, ...program.commands]) command.exitOverride();
  return program;
}

/** No command ends the process by itself. */
function throwing(command: Command): void {
  command.exitOverride();
  for (const below of command.commands) throwing(below);
}

/** Reads the words of a command line, does what they say, and ends the process. */
export async function main(words: readonly string[]): Promise<void> {
  let address = addressOf({});
  const program = commandLine(await commandsFor(words[0])).hook('preAction', (_program, command) => {
    address = addressOf(command.opts());
  });
  try {
    await program.parseAsync(words, { from: 'user' });
    if (words[0] !== 'serve') process.exit();
  } catch (error) {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : EXIT.usage);
    if (error instanceof ReaderGone) process.exit(EXIT.unread);
    const { lines, exitCode } = failureOf(error, address);
    for (const line of lines) say(line);
    process.exit(exitCode);
  }
}
