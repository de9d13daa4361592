import { z } from 'zod';
import type { Runwire, WorkspaceRecord } from '../../client/runwire.ts';
import { listed } from '../output/listed.ts';
import { USUAL_BUDGET } from '../output/shown-run.ts';
import { fitting } from '../output/text.ts';
import { NextCursor } from './facts.ts';
import { Cursor, Limit, MaxBytes, READY_SECONDS } from './input.ts';
import { LIST_FACTS, moreWords } from './looking.ts';
import { tool } from './tool.ts';
import { within } from './waiting.ts';

const Workspace = z.string().min(1).describe('id of the workspace');

const Told = z.strictObject({
  id: z.string(),
  state: z.enum(['filling', 'ready', 'restoring', 'failed']),
  reason: z.string().nullable(),
  files: z.int(),
  bytes: z.int(),
  last_used_at: z.string(),
  runs: z.int().describe('that run or wait in it'),
});

const toldOf = ({ workspace_id: id, state, reason, files, bytes, last_used_at, runs }: WorkspaceRecord) => ({
  ...{ id, state, reason: reason?.slice(0, 500).toWellFormed() ?? null, files, bytes, last_used_at },
  runs: runs.running + runs.queued,
});

const lineOf = ({ id, state, reason, files, bytes, runs }: z.infer<typeof Told>): string =>
  `workspace ${id}: ${state}${reason === null ? '' : ` (${reason})`}, ${files} files, ${bytes} bytes, ${runs} runs in it`;

const answered = (record: WorkspaceRecord) => ({ text: lineOf(toldOf(record)), facts: toldOf(record) });

/** What a workspace begins with, for the SDK of the server. */
type From = NonNullable<NonNullable<Parameters<Runwire['workspaces']['create']>[0]>['from']>;

export const workspaceCreateTool = tool({
  name: 'workspace_create',
  title: 'Make a workspace',
  description:
    'Makes a directory that is kept from one run to the next (run with workspace): empty, or filled from git, a snapshot, another workspace or a run.',
  input: z.strictObject({
    git: z
      .strictObject({ url: z.string(), ref: z.string().optional().describe('branch, tag or commit') })
      .optional(),
    snapshot: z.string().min(1).optional(),
    workspace: z.string().min(1).optional().describe('a copy of this one'),
    run: z.string().min(1).optional().describe('the own directory of this run'),
    ttl_seconds: z
      .number()
      .positive()
      .optional()
      .describe('removed when it was not used for so long; default: never'),
  }),
  openWorld: true,
  output: Told,
  async act({ git, snapshot, workspace, run, ttl_seconds }, call) {
    const from = Object.fromEntries(
      Object.entries({ git, snapshot, workspace, invocation: run }).filter(
        ([, value]) => value !== undefined,
      ),
    ) as From;
    const input = { ...(Object.keys(from).length > 0 && { from }), ttl_seconds };
    const made = await call.rw.workspaces.create(input, { signal: call.signal });
    const filling = {
      words: () => `workspace ${made.id} is filled`,
      wait: (signal: AbortSignal) => made.ready({ signal }),
      look: (signal: AbortSignal) => made.refresh({ signal }),
    };
    const { text, facts } = answered(await within(filling, READY_SECONDS, call));
    return {
      text: facts.state === 'filling' ? `${text}; workspace_list tells when it is ready` : text,
      facts,
    };
  },
});

export const workspaceListTool = tool({
  name: 'workspace_list',
  title: 'Workspaces',
  description: 'Lists the workspaces, newest first.',
  readOnly: true,
  idempotent: true,
  input: z.strictObject({ limit: Limit.default(50), cursor: Cursor }),
  output: z.strictObject({ workspaces: z.array(Told), omitted: z.int(), next_cursor: NextCursor }),
  async act({ limit, cursor }, { rw, signal }) {
    const { value: page } = await rw.workspaces.list({ limit, cursor, signal }).pages().next();
    const { items, text, omitted } = listed(
      (page?.items ?? []).map(toldOf),
      lineOf,
      USUAL_BUDGET - LIST_FACTS,
    );
    const next = page?.next_cursor ?? null;
    return {
      text: text === '' ? 'no workspaces' : `${text}${moreWords(omitted, next)}`.trimEnd(),
      facts: { workspaces: items, omitted, next_cursor: next },
    };
  },
});

export const workspaceSnapshotTool = tool({
  name: 'workspace_snapshot',
  title: 'Take a snapshot',
  description: 'Keeps what is in a workspace now, for workspace_diff and workspace_restore.',
  input: z.strictObject({ workspace: Workspace }),
  output: z.strictObject({ id: z.string(), workspace: z.string(), files: z.int(), bytes: z.int() }),
  async act({ workspace }, { rw, signal }) {
    const { id, record } = await rw.workspaces.attach(workspace).snapshot({}, { signal });
    const { files = 0, bytes = 0 } = record ?? {};
    return { text: `snapshot ${id}: ${files} files, ${bytes} bytes`, facts: { id, workspace, files, bytes } };
  },
});

export const workspaceDiffTool = tool({
  name: 'workspace_diff',
  title: 'What has changed',
  description: 'Shows what has changed in a workspace since a snapshot, as a patch of git, within max_bytes.',
  readOnly: true,
  idempotent: true,
  input: z.strictObject({
    workspace: Workspace,
    snapshot: z.string().min(1).describe('the older side'),
    max_bytes: MaxBytes,
  }),
  output: z.strictObject({ patch: z.string(), is_whole: z.boolean() }),
  async act({ workspace, snapshot, max_bytes }, { rw, signal }) {
    const room = max_bytes - LIST_FACTS;
    const parts: Uint8Array[] = [];
    let came = 0;
    for await (const part of rw.workspaces.attach(workspace).patch(snapshot, { signal })) {
      parts.push(part);
      came += part.length;
      if (came > room) break;
    }
    const cutAfter = came > room;
    const bytes = Buffer.concat(parts).subarray(0, room + 4);
    const { text, isCut } = fitting(bytes, {
      room,
      side: 'first',
      cutBefore: false,
      cutAfter,
      wholeLines: true,
    });
    const isWhole = !isCut && !cutAfter;
    const last = isWhole
      ? ''
      : '\n[... there is more: git diff in a run, list_files and get_file show parts of it ...]';
    return { text: `${text}${last}` || 'nothing has changed', facts: { patch: text, is_whole: isWhole } };
  },
});

export const workspaceRestoreTool = tool({
  name: 'workspace_restore',
  title: 'Go back to a snapshot',
  description: 'Makes a workspace what it was when the snapshot was taken. What was written since is lost.',
  destructive: true,
  idempotent: true,
  input: z.strictObject({
    workspace: Workspace,
    snapshot: z.string().min(1),
    keep_others: z.boolean().default(false).describe('files that are not in the snapshot stay'),
  }),
  output: Told,
  async act({ workspace, snapshot, keep_others: keep }, { rw, signal }) {
    const mode = keep ? 'overlay' : 'exact';
    return answered(await rw.workspaces.attach(workspace).restore(snapshot, { mode, signal }));
  },
});

export const workspaceRemoveTool = tool({
  name: 'workspace_remove',
  title: 'Remove a workspace',
  description: 'Removes a workspace with all files in it, for good. Its snapshots stay.',
  destructive: true,
  idempotent: true,
  input: z.strictObject({
    workspace: Workspace,
    cancel: z.boolean().default(false).describe('cancel the runs that are in it'),
  }),
  output: z.strictObject({ id: z.string() }),
  async act({ workspace, cancel }, { rw, signal }) {
    await rw.workspaces.attach(workspace).remove({ ...(cancel && { cancel }), signal });
    return { text: `workspace ${workspace} is removed`, facts: { id: workspace } };
  },
});
