import { z } from 'zod';

const Text = z.string().refine((value) => !value.includes('\0'), {
  error: 'must not contain a NUL character',
});

/** One command of a setup: argv, or text for `sh -c`. */
export const SetupCommand = z.union([z.array(Text).min(1), Text.min(1)]);
export type SetupCommand = z.infer<typeof SetupCommand>;

const commands = z.array(SetupCommand).max(1000).optional();

/** How long all commands of a setup may take together, where it is not said. Seconds. */
export const SETUP_TIMEOUT_SECONDS = 600;

/** `options.setup`: what is done where the command will run, before it. */
export const Setup = z.strictObject({
  commands: commands.describe(
    'argv, or text for sh -c; in their order, each when the one before ended with 0',
  ),
  evaluation_commands: commands.describe('After these, where the run is an evaluation (is_evaluation)'),
  resume_commands: commands.describe('Last, where a session was reset'),
  timeout_seconds: z
    .number()
    .positive()
    .max(1e9)
    .optional()
    .describe(`For all of them together. Default: ${SETUP_TIMEOUT_SECONDS}`),
  user: z.string().min(1).optional().describe('docker: who runs them. Default: who runs the command'),
});
export type Setup = z.infer<typeof Setup>;

/** What became of one command of a setup. */
export const SetupStep = z.strictObject({
  command: z.array(z.string()),
  exit_code: z.number().int().nullable().describe('Null: it was ended by a signal, or did not start'),
  signal: z.string().nullable(),
  ms: z.number(),
  error: z.string().optional().describe('Why it could not be started'),
});
export type SetupStep = z.infer<typeof SetupStep>;

/** `text for sh -c` as what is executed. */
export function argvOf(command: SetupCommand): readonly string[] {
  return typeof command === 'string' ? ['sh', '-c', command] : command;
}

const LONGEST_SHOWN = 80;

/** One line, as one would type it. */
export function shownCommand(command: readonly string[]): string {
  const words = command
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word)))
    .join(' ');
  return words.length > LONGEST_SHOWN ? `${words.slice(0, LONGEST_SHOWN)}…` : words;
}

/** What is told when a command of a setup has begun: the `number`th of `count`, from 1. */
export function setupProgress(command: readonly string[], number: number, count: number) {
  return {
    message: `setup: command ${number} of ${count} (${shownCommand(command)}) has begun`,
    data: { type: 'setup', command: number, commands: count },
  };
}
