import { z } from 'zod';
import type { Runwire, SessionRecord } from '../../client/runwire.ts';
import { listed } from '../output/listed.ts';
import { USUAL_BUDGET } from '../output/shown-run.ts';
import { NextCursor } from './facts.ts';
import { Cursor, Limit, READY_SECONDS } from './input.ts';
import { LIST_FACTS, moreWords } from './looking.ts';
import { tool } from './tool.ts';
import { within } from './waiting.ts';

const Told = z.strictObject({
  id: z.string(),
  state: z.enum(['preparing', 'ready', 'failed', 'closed']),
  reason: z.string().nullable(),
  kind: z.string(),
  workspace: z.string(),
  setup_run: z.string().describe('output with phase setup shows what its setup wrote'),
});

const toldOf = (record: SessionRecord) => ({
  id: record.session_id,
  state: record.state,
  reason: record.reason?.slice(0, 500).toWellFormed() ?? null,
  kind: record.runtime_kind,
  workspace: record.workspace_id,
  setup_run: record.setup_invocation_id,
});

const lineOf = ({ id, state, reason, kind, workspace, setup_run }: z.infer<typeof Told>): string =>
  `session ${id}: ${state}${reason === null ? '' : ` (${reason})`}, ${kind}, workspace ${workspace}, setup run ${setup_run}`;

type NewSession = Parameters<Runwire['sessions']['create']>[0];

export const sessionCreateTool = tool({
  name: 'session_create',
  title: 'Prepare an environment',
  description:
    'Prepares an environment once for many runs (run with session): its files and, for docker, its container stay from one run to the next.',
  destructive: true,
  openWorld: true,
  input: z.strictObject({
    kind: z.string().optional().describe('default subprocess, or docker where there is an image'),
    image: z.string().optional(),
    spec: z.string().optional().describe('stored environment: name or name@version'),
    workspace: z.string().min(1).optional().describe('default: one of its own'),
    setup: z.array(z.string()).optional().describe('commands of sh that prepare it, in their order'),
    env: z.record(z.string(), z.string()).optional().describe('of the setup and of each run'),
    idle_seconds: z.number().positive().default(3600).describe('closed when it was not used for so long'),
  }),
  output: Told,
  async act({ kind, image, spec, workspace, setup, env, idle_seconds }, call) {
    const input = {
      runtime_kind:
        kind ?? (image === undefined ? (spec === undefined ? 'subprocess' : undefined) : 'docker'),
      environment_spec: spec,
      workspace,
      environment: env,
      idle_seconds,
      options: {
        ...(setup !== undefined && { setup: { commands: setup } }),
        ...(image !== undefined && { docker: { image } }),
      },
    } satisfies NewSession;
    const made = await call.rw.sessions.create(input, { signal: call.signal });
    const preparing = {
      words: () => `session ${made.id} is set up`,
      wait: (signal: AbortSignal) => made.ready({ signal }),
      look: (signal: AbortSignal) => made.refresh({ signal }),
    };
    const facts = toldOf(await within(preparing, READY_SECONDS, call));
    const next = facts.state === 'preparing' ? '; runs in it wait until it is ready' : '';
    return { text: `${lineOf(facts)}${next}`, facts };
  },
});

export const sessionListTool = tool({
  name: 'session_list',
  title: 'Sessions',
  description: 'Lists the prepared environments, newest first; closed ones too, for a day.',
  readOnly: true,
  idempotent: true,
  input: z.strictObject({ limit: Limit.default(50), cursor: Cursor }),
  output: z.strictObject({ sessions: z.array(Told), omitted: z.int(), next_cursor: NextCursor }),
  async act({ limit, cursor }, { rw, signal }) {
    const { value: page } = await rw.sessions.list({ limit, cursor, signal }).pages().next();
    const { items, text, omitted } = listed(
      (page?.items ?? []).map(toldOf),
      lineOf,
      USUAL_BUDGET - LIST_FACTS,
    );
    const next = page?.next_cursor ?? null;
    return {
      text: text === '' ? 'no sessions' : `${text}${moreWords(omitted, next)}`.trimEnd(),
      facts: { sessions: items, omitted, next_cursor: next },
    };
  },
});

export const sessionCloseTool = tool({
  name: 'session_close',
  title: 'Close a session',
  description: 'Ends a prepared environment: its runs are cancelled, and its own workspace is removed.',
  destructive: true,
  idempotent: true,
  input: z.strictObject({ session: z.string().min(1) }),
  output: z.strictObject({ id: z.string() }),
  async act({ session }, { rw, signal }) {
    await rw.sessions.attach(session).remove({ signal });
    return { text: `session ${session} is closed`, facts: { id: session } };
  },
});
