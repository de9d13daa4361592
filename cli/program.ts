import { Command, CommanderError } from 'commander';
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
  for (const add of commands) add(program);
  throwing(program);
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
    if (error instanceof ReaderGone) {
      if (error.exitCode !== EXIT.unread) say(error.message);
      process.exit(error.exitCode);
    }
    const { lines, exitCode } = failureOf(error, address);
    for (const line of lines) say(line);
    process.exit(exitCode);
  }
}
