import { z } from 'zod';
import { AssetReference, AssetUses } from './asset-use.ts';
import { CallUrl } from './call-url.ts';
import { Inputs, Outputs, repeatedId } from './declared-files.ts';
import { ResourceId } from './resource-id.ts';
import { Setup, SetupCommand } from './setup.ts';
import { SpecReference } from './spec-reference.ts';
import { TerminalSize } from './terminal.ts';
import { WorkspaceUse } from './workspace-use.ts';

const seconds = z.number().nonnegative().max(1e9);
const positiveSeconds = z.number().positive().max(1e9);
const count = z.number().int().positive();

/** Resource limits of a process run. How each is enforced: docs/runners/subprocess.md. */
export const Limits = z.strictObject({
  cpu_seconds: count.optional().describe('CPU time of one process, whole seconds'),
  memory_bytes: count.optional().describe('Address space of one process, bytes'),
  processes: count.optional().describe('Processes and threads of the user'),
  open_files: count.optional().describe('Open file descriptors of one process'),
  file_size_bytes: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe('Largest file a process may write, bytes'),
});
export type Limits = z.infer<typeof Limits>;

/** Padded or not; of whole bytes, which 4n + 1 characters are not. */
const BASE64_KEY = /^whsec_([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=?|[A-Za-z0-9+/]{2}(==)?)$/;

/** A POST of the result when the run has finished, signed as Standard Webhooks say when a secret is given. */
export const OnFinish = z.strictObject({
  url: CallUrl,
  secret: z
    .string()
    .min(1)
    .refine((secret) => !secret.startsWith('whsec_') || BASE64_KEY.test(secret), {
      error: 'after whsec_ must be base64 of at least one byte',
    })
    .optional(),
});
export type OnFinish = z.infer<typeof OnFinish>;

/** A file that is in the working directory before anything starts. */
export const SentFile = z
  .strictObject({
    path: z.string().min(1).describe('Relative, with slashes'),
    text: z.string().optional(),
    base64: z.base64().optional(),
    artifact: z
      .strictObject({ invocation_id: z.string().min(1), artifact_id: z.string().min(1) })
      .optional()
      .describe('Of a finished run'),
    asset: AssetReference.optional().describe('name, or name@version; a directory comes with all in it'),
    mode: z
      .string()
      .regex(/^0?[0-7]{3}$/, { error: 'must be permission bits in octal: 0644' })
      .optional()
      .describe('Default: 0644'),
  })
  .refine(
    ({ text, base64, artifact, asset }) =>
      [text, base64, artifact, asset].filter((from) => from !== undefined).length === 1,
    {
      error: 'needs one of text, base64, artifact and asset, and no other',
    },
  );
export type SentFile = z.infer<typeof SentFile>;

/** The part of an invocation that RxP has no field for: what every run may have, and `options.<key>` of kinds. */
export const Options = z
  .looseObject({
    stdin: z.string().optional().describe('Text for standard input'),
    stdin_open: z.boolean().optional().describe('Standard input is fed by POST …/stdin'),
    terminal: TerminalSize.optional().describe(
      'Standard input, output and error are one terminal of this size, fed by …/terminal or POST …/stdin; all that it shows is stdout',
    ),
    kill_grace_seconds: seconds.optional().describe('Between SIGTERM and SIGKILL; 0 = SIGKILL at once'),
    idle_timeout_seconds: positiveSeconds.optional().describe('The run ends after so long without output'),
    queue_timeout_seconds: positiveSeconds
      .optional()
      .describe('The run ends when it has waited so long to start'),
    max_output_bytes: z
      .number()
      .int()
      .nonnegative()
      .optional()
      .describe('Bytes kept of each stream, and as many of each of the setup'),
    files: z
      .array(SentFile)
      .max(10_000)
      .optional()
      .describe('Made in the working directory before the start'),
    artifacts: z.array(z.string().min(1)).max(100).optional().describe('Globs under the working directory'),
    limits: Limits.optional(),
    workspace: WorkspaceUse.optional().describe(
      'The directory that it works in, kept by the server from one run to the next',
    ),
    environment_spec: SpecReference.optional().describe(
      'A stored environment spec: name, or name@version. What the invocation says itself goes before it',
    ),
    session: ResourceId.optional().describe('The session that it runs in'),
    setup: Setup.optional().describe('Done before the command, where it runs'),
    setup_command: SetupCommand.optional().describe('One more command of the setup, the last'),
    disable_setup: z.boolean().optional().describe('True: no setup at all'),
    is_evaluation: z.boolean().optional().describe('True: evaluation_commands of the setup run too'),
    assets: AssetUses.optional().describe(
      'Assets that it uses, by the key that {{static:key}} stands for; where it is given, {} too, such placeholders are filled',
    ),
    inputs: Inputs.optional().describe('What it is given, each under a name of its own'),
    outputs: Outputs.optional().describe('What it leaves behind: artifacts of these ids'),
    template: z
      .boolean()
      .optional()
      .describe(
        'True: ${…} in command and values of the environment stands for inputs, outputs and facts of the run',
      ),
    on_finish: OnFinish.optional(),
  })
  .refine((o) => !(o.stdin !== undefined && o.stdin_open), {
    path: ['stdin_open'],
    error: 'stdin and stdin_open cannot both be given',
  })
  .refine((o) => !(o.stdin !== undefined && o.terminal), {
    path: ['stdin'],
    error: 'a terminal is typed into: stdin and terminal cannot both be given',
  })
  .superRefine((options, { addIssue }) => {
    const repeated = repeatedId(options);
    if (repeated !== null)
      addIssue({ code: 'custom', path: repeated.path, message: `is the id of another one: ${repeated.id}` });
  });
export type Options = z.infer<typeof Options>;

/** Those that every run may have: no kind has its own under such a name. */
export const COMMON_OPTIONS: ReadonlySet<string> = new Set(Object.keys(Options.shape));

/** Options where kinds have these keys. Others are refused by name; what is in them is the kind's to check. */
export function optionsWith(keys: readonly string[]) {
  const ofKind = z.record(z.string(), z.unknown()).optional();
  return Options.safeExtend(Object.fromEntries(keys.map((key) => [key, ofKind]))).strict();
}

/** What an invocation says for one kind; undefined: nothing. */
export function optionsOf(options: Options, key: string): Record<string, unknown> | undefined {
  return options[key] as Record<string, unknown> | undefined; // optionsWith takes nothing else
}
