import { z } from 'zod';
import { Environment } from './invocation.ts';
import { Options, optionsWith, SentFile } from './options.ts';
import { ResourceId } from './resource-id.ts';
import { Diff, Snapshot, SnapshotInput } from './snapshot.ts';
import { SpecReference } from './spec-reference.ts';
import { WorkspaceSource } from './workspace.ts';

const ofOneRun = z.never({ error: 'is of one run, not of a session' }).optional();
const beside = (name: string) => z.never({ error: `is said beside options: ${name}` }).optional();

/** Options that one run has, and no session gives to all of its runs. Of some a session has fields of its own. */
const REFUSED = {
  workspace: beside('workspace'),
  environment_spec: beside('environment_spec'),
  files: beside('files'),
  is_evaluation: beside('is_evaluation'),
  disable_setup: beside('disable_setup'),
  session: ofOneRun,
  stdin: ofOneRun,
  stdin_open: ofOneRun,
  terminal: ofOneRun,
  on_finish: ofOneRun,
  inputs: ofOneRun,
  outputs: ofOneRun,
};

/** `options` of a session, which its runs may complete. */
export const SessionOptions = Options.safeExtend(REFUSED).describe(
  `Of the setup and of each of its runs; what a run says itself goes before it. Refused: ${Object.keys(REFUSED).join(', ')}`,
);

const seconds = z.number().positive().max(1e9).optional();

/** A session that is asked for. */
export const SessionInput = z
  .strictObject({
    session_id: ResourceId.optional().describe('Default: one that the server makes'),
    environment_spec: SpecReference.optional().describe('A stored environment spec: name, or name@version'),
    runtime_kind: z
      .string()
      .min(1)
      .max(64)
      .optional()
      .describe('The kind of all its runs. Needed where no environment spec says it'),
    workspace: ResourceId.optional().describe('One that is there. Default: the session makes its own'),
    files: z.array(SentFile).max(10_000).optional().describe('In its own workspace, after `from`'),
    from: WorkspaceSource.optional().describe('What its own workspace begins with'),
    is_evaluation: z.boolean().optional().describe('true: evaluation_commands of the setup run too'),
    disable_setup: z.boolean().optional().describe('true: it is ready without any setup'),
    environment: Environment.optional().describe('Of the setup and of each of its runs'),
    options: SessionOptions.optional(),
    metadata: z.record(z.string(), z.string()).optional(),
    ttl_seconds: seconds.describe('It is closed so long after it was made. Default: never'),
    idle_seconds: seconds.describe('It is closed when it was not used for so long. Default: never'),
    keep_workspace: z
      .boolean()
      .optional()
      .describe('true: its workspace stays when it is closed. Default: true where `workspace` was given'),
  })
  .superRefine(({ workspace, files, from }, { addIssue }) => {
    const issue = (path: string[], message: string) => addIssue({ code: 'custom', path, message });
    if (workspace !== undefined && files !== undefined)
      issue(['files'], 'is for a workspace of its own: put them into that which is named');
    if (workspace !== undefined && from !== undefined)
      issue(['from'], 'is for a workspace of its own, and one is named');
  });
export type SessionInput = z.infer<typeof SessionInput>;

/** The same for a server whose kinds have these keys in `options`. */
export function sessionInput(optionKeys: readonly string[]): z.ZodType<SessionInput> {
  return SessionInput.safeExtend({ options: optionsWith(optionKeys).safeExtend(REFUSED).optional() });
}

export const SESSION_STATES = ['preparing', 'ready', 'failed', 'closed'] as const;
export type SessionState = (typeof SESSION_STATES)[number];

/** An environment that is set up once for many runs. */
export const Session = z.strictObject({
  session_id: ResourceId,
  state: z.enum(SESSION_STATES),
  reason: z
    .string()
    .nullable()
    .describe('Why it failed; of a closed one: deleted, expired (ttl_seconds) or idle (idle_seconds)'),
  trouble: z
    .string()
    .nullable()
    .describe('Why what it held beside its workspace could not be ended yet: that is tried again'),
  generation: z.number().int().describe('1, and one more at each reset'),
  restarted_at: z.iso
    .datetime()
    .nullable()
    .describe(
      'When its container was last started again, which had stopped: what ran in it until then is gone, its files are not. Null: never in this generation',
    ),
  runtime_kind: z.string(),
  environment_spec: z
    .strictObject({ name: z.string(), version: z.number().int(), digest: z.string() })
    .nullable(),
  is_evaluation: z.boolean(),
  workspace_id: ResourceId,
  keep_workspace: z.boolean(),
  setup_invocation_id: z.string().describe('The run that set it up, of this generation'),
  ready_snapshot: z.string().nullable().describe('What was in its workspace when it got ready'),
  last_checkpoint: z.string().nullable().describe('Id of the snapshot'),
  metadata: z.record(z.string(), z.string()),
  created_at: z.iso.datetime(),
  last_used_at: z.iso.datetime(),
  expires_at: z.iso
    .datetime()
    .nullable()
    .describe('When it is closed, if nobody uses it before; null: never'),
  ttl_seconds: z.number().nullable(),
  idle_seconds: z.number().nullable(),
  runs: z.strictObject({ running: z.number().int(), queued: z.number().int() }),
  links: z.strictObject({
    self: z.string(),
    setup: z.string(),
    workspace: z.string(),
    checkpoint: z.string(),
    reset: z.string(),
  }),
});
export type Session = z.infer<typeof Session>;

/** A checkpoint that is asked for: a snapshot, and what has changed since the one before. */
export const CheckpointInput = SnapshotInput;
export type CheckpointInput = SnapshotInput;

export const Checkpoint = z.strictObject({
  snapshot: Snapshot,
  since: z.string().describe('Id of the snapshot that it is compared with'),
  diff: Diff.describe('The first page; for more, patches, and text/x-diff: links.diff'),
  links: z.strictObject({ snapshot: z.string(), diff: z.string() }),
});
export type Checkpoint = z.infer<typeof Checkpoint>;
