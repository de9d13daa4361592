import { z } from 'zod';
import { AssetUses } from './asset-use.ts';
import { Entry } from './entry.ts';
import { Environment } from './invocation.ts';
import { Options, optionsWith } from './options.ts';
import { ResourceId } from './resource-id.ts';
import { Setup } from './setup.ts';
import { Globs } from './snapshot.ts';
import { SpecReference } from './spec-reference.ts';

const ofOneRun = (instead: string) =>
  z.never({ error: `is not taken in an environment spec: ${instead}` }).optional();

/** Options that are no matter of an environment, and why. */
const REFUSED = {
  stdin: ofOneRun('what goes in is said by each invocation'),
  stdin_open: ofOneRun('what goes in is said by each invocation'),
  terminal: ofOneRun('who sits at a terminal says it by each invocation'),
  files: ofOneRun('what goes in is said by each invocation'),
  inputs: ofOneRun('what goes in is said by each invocation'),
  workspace: ofOneRun('where it works is said by each invocation'),
  session: ofOneRun('where it works is said by each invocation'),
  environment_spec: ofOneRun('specs are not made of others'),
  setup_command: ofOneRun('it is one command more, of an invocation; say it in setup.commands'),
  disable_setup: ofOneRun('leave setup out'),
  is_evaluation: ofOneRun('what a run is for is said by each invocation'),
  on_finish: ofOneRun('who is told is said by each invocation'),
};
export const REFUSED_IN_SPECS: readonly string[] = Object.keys(REFUSED);

/** `options` of an environment spec, which need not be complete. */
export const SpecOptions = Options.safeExtend(REFUSED).describe(
  `As of an invocation, which completes them; what is of one run is refused: ${REFUSED_IN_SPECS.join(', ')}`,
);

const notYet = z.never({ error: 'is not taken yet' }).optional().describe('Not yet: refused');

const told = { readOnly: true };

/** What the server tells of a version. It may come back with what was read, and says nothing then. */
const TOLD = {
  name: z.string().optional().meta(told).describe('Where it is there, that of the path'),
  version: z.number().optional().meta(told),
  digest: z.string().optional().meta(told),
  created_at: z.string().optional().meta(told),
  links: z.looseObject({}).optional().meta(told),
};

/** What an environment is: everything that an invocation that names it need not say. */
export const EnvironmentSpecInput = z.strictObject({
  description: z.string().max(10_000).optional(),
  runtime_kind: z.string().min(1).max(64).describe('A kind of the server, or an alias of one'),
  environment: Environment.optional(),
  secrets: notYet,
  options: SpecOptions.optional(),
  setup: Setup.optional().describe('The same as options.setup: one of the two'),
  assets: AssetUses.optional().describe('The same as options.assets: one of the two'),
  snapshot: z
    .strictObject({
      keep: Globs.optional().describe('Globs: nothing else is in it'),
      ignore: Globs.optional().describe('Globs: what they match is not in it, nor what is below'),
    })
    .optional()
    .describe('What is in snapshots that runs take (options.workspace.snapshot)'),
  entry: Entry.optional().describe('The command of invocations that have none'),
  ...TOLD,
});
export type EnvironmentSpecInput = z.infer<typeof EnvironmentSpecInput>;

/** The same for a server whose kinds have these keys in `options`: no others are taken. */
export function environmentSpecInput(optionKeys: readonly string[]): z.ZodType<EnvironmentSpecInput> {
  return EnvironmentSpecInput.safeExtend({
    options: optionsWith(optionKeys).safeExtend(REFUSED).optional(),
  });
}

/** One version of a spec. Never changes. */
export const EnvironmentSpec = EnvironmentSpecInput.omit({ secrets: true }).extend({
  name: ResourceId,
  version: z.number().int().describe('1, 2, 3 …, also over deletion: name@3 never means two things'),
  digest: z.string().describe('SHA-256 (hex) of what it says: the same document has the same'),
  created_at: z.iso.datetime(),
  links: z.strictObject({ self: z.string(), versions: z.string() }),
});
export type EnvironmentSpec = z.infer<typeof EnvironmentSpec>;

/** What a record says of the spec that the run was made with. */
export const SpecOfRun = z.strictObject({ name: z.string(), version: z.number().int(), digest: z.string() });

/** Null: it is no reference. */
export function parseReference(text: string): { name: string; version: number | null } | null {
  if (!SpecReference.safeParse(text).success) return null;
  const [name = '', version] = text.split('@');
  return { name, version: version === undefined ? null : Number(version) };
}
