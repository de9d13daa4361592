import { z } from 'zod';
import type { RunRecord } from '../../client/runwire.ts';
import { listed } from '../output/listed.ts';
import { USUAL_BUDGET } from '../output/shown-run.ts';
import { runLine, toldRun } from '../output/told-run.ts';
import { NextCursor, Status, Told, ToldRun } from './facts.ts';
import { Cursor, Id } from './input.ts';
import { tool } from './tool.ts';

/** What is told beside the things of a list. */
export const LIST_FACTS = 600;

export const listTool = tool({
  name: 'list',
  title: 'Runs',
  description: 'Lists runs, newest first, also those that others started.',
  readOnly: true,
  idempotent: true,
  input: z.strictObject({
    status: Status.optional(),
    kind: z.string().min(1).optional(),
    name: z.string().min(1).optional(),
    limit: z.int().min(1).max(100).default(20),
    cursor: Cursor,
  }),
  output: z.strictObject({
    runs: z.array(z.strictObject({ ...Told, created_at: z.string() })),
    omitted: z.int().describe('runs of this page that did not fit: ask for fewer'),
    next_cursor: NextCursor,
  }),
  async act({ status, kind, name, limit, cursor }, { rw, signal }) {
    const filter = { status, runtime_kind: kind, runtime_name: name, limit, cursor, signal };
    const { value: page } = await rw.list(filter).pages().next();
    const all = (page?.items ?? []).map((record) => ({ ...toldRun(record), created_at: record.created_at }));
    const { items, text, omitted } = listed(
      all,
      (run) => `${run.created_at} ${runLine(run)}${run.name === undefined ? '' : ` "${run.name}"`}`,
      USUAL_BUDGET - LIST_FACTS,
    );
    const next = page?.next_cursor ?? null;
    return {
      text: text === '' ? 'no runs' : `${text}${moreWords(omitted, next)}`.trimEnd(),
      facts: { runs: items, omitted, next_cursor: next },
    };
  },
});

/** How to see what is not shown of a list. */
export function moreWords(omitted: number, next: string | null): string {
  if (omitted > 0)
    return `${omitted} more did not fit: ask with a lower limit, and go on with its next_cursor`;
  return next === null ? '' : `more: cursor ${next}`;
}

const Times = z.record(z.string(), z.number());

export const showTool = tool({
  name: 'show',
  title: 'A run',
  description:
    'Tells how a run stands: what it is, when it ran, how and why it ended, and what of its output is not kept.',
  readOnly: true,
  idempotent: true,
  input: z.strictObject({ id: Id }),
  output: ToldRun.extend({
    created_at: z.string(),
    started_at: z.string().nullable(),
    finished_at: z.string().nullable(),
    command: z.string().describe('cut where it is long'),
    workspace: z.string().optional(),
    session: z.string().optional(),
    ended: z.string().optional(),
    retry_safe: z.boolean().optional().describe('its work provably did not begin'),
    failure: z.strictObject({ reason: z.string(), permanent: z.boolean() }).optional(),
    stdout_bytes: z.int().optional(),
    stderr_bytes: z.int().optional(),
    lost_bytes: z.int().optional().describe('bytes of both that are not kept'),
    times_ms: Times.optional(),
  }),
  async act({ id }, { rw, signal }) {
    const facts = factsOf(await rw.attach(id).refresh({ signal }));
    return { text: [runLine(facts), ...linesOf(facts)].join('\n'), facts };
  },
});

const MOST_COMMAND = 1000;

function factsOf(record: RunRecord) {
  const { invocation, created_at, started_at, finished_at, outcome } = record;
  const command = (invocation.command ?? []).join(' ');
  const { workspace, session } = invocation.options as {
    workspace?: string | { id?: string };
    session?: string;
  };
  const place = typeof workspace === 'string' ? workspace : workspace?.id;
  return {
    ...toldRun(record),
    ...{ created_at, started_at, finished_at },
    command: command.length > MOST_COMMAND ? `${command.slice(0, MOST_COMMAND)}…`.toWellFormed() : command,
    ...(place !== undefined && { workspace: place }),
    ...(session !== undefined && { session }),
    ...(outcome && {
      ended: outcome.ended,
      retry_safe: outcome.retry_safe,
      ...(outcome.failure && { failure: outcome.failure }),
      stdout_bytes: outcome.stdout?.bytes ?? 0,
      stderr_bytes: outcome.stderr?.bytes ?? 0,
      lost_bytes: [outcome.stdout, outcome.stderr].reduce(
        (sum, facts) => sum + (facts ? facts.bytes - facts.kept : 0),
        0,
      ),
      times_ms: outcome.timings as { [name: string]: number },
    }),
  };
}

function linesOf(facts: ReturnType<typeof factsOf>): string[] {
  const { id: _id, status: _status, finished: _finished, why: _why, ...others } = facts;
  return Object.entries(others).map(
    ([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
}

export const kindsTool = tool({
  name: 'kinds',
  title: 'Kinds of runs',
  description:
    'Lists what kinds of runs the server knows (programs, containers, HTTP calls, people), and which of them it can do now.',
  readOnly: true,
  idempotent: true,
  input: z.strictObject({}),
  output: z.strictObject({
    kinds: z.array(
      z.strictObject({
        kind: z.string(),
        description: z.string(),
        available: z.boolean(),
        reason: z.string().nullable(),
      }),
    ),
  }),
  async act(_input, { rw, signal }) {
    const kinds = (await rw.runtimes({ signal })).map(({ kind, description, available, reason }) => ({
      ...{ kind, description, available, reason },
    }));
    const lines = kinds.map(({ kind, description, available, reason }) =>
      [kind, description, ...(available ? [] : [`not available: ${reason}`])].join(' · '),
    );
    return { text: lines.join('\n'), facts: { kinds } };
  },
});
