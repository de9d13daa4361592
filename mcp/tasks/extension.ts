import {
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  MissingRequiredClientCapabilityError,
  type Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { RunRecord, Runwire } from '../../client/runwire.ts';
import { resultOf } from '../tools/calling.ts';
import { answerOf } from '../tools/run.ts';
import type { Told } from './protocol-error.ts';
import { look, pollInterval, taskOf } from './task.ts';

/** Of the revision 2026-07-28 (SEP-2663): the server says when a call is a task, to clients that know what one is. */
export const TASKS = 'io.modelcontextprotocol/tasks';

const NEEDED = { requiredCapabilities: { extensions: { [TASKS]: {} } } };

const TaskParams = z.looseObject({ taskId: z.string().min(1) });

export function knowsTasks({ mcpReq }: ServerContext): boolean {
  const envelope: { [key: string]: unknown } = mcpReq.envelope ?? {};
  const { extensions } = (envelope[CLIENT_CAPABILITIES_META_KEY] ?? {}) as ClientCapabilities;
  return extensions?.[TASKS] !== undefined;
}

/** The answer to a call that goes on as a task. */
export const createdTask = (record: RunRecord) => ({ resultType: 'task', ...factsOf(record) });

export function addTasksExtension(server: Server, rw: Runwire, told: Told): void {
  const params = { params: TaskParams };
  const declared = <T>(context: ServerContext, act: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    if (!knowsTasks(context)) throw new MissingRequiredClientCapabilityError(NEEDED);
    const { signal } = context.mcpReq;
    return told(signal, () => act(signal));
  };
  server.setRequestHandler('tasks/get', params, ({ taskId }, context) =>
    declared(context, async (signal) => {
      const run = rw.attach(taskId);
      const record = await look(run, signal);
      const facts = factsOf(record);
      if (facts.status !== 'completed') return facts;
      return { ...facts, result: resultOf(await answerOf(run, record, signal)) };
    }),
  );
  server.setRequestHandler('tasks/cancel', params, ({ taskId }, context) =>
    declared(context, async (signal) => {
      await rw.attach(taskId).cancel({ signal });
      return {};
    }),
  );
  // No run asks its client for anything: an answer is to no question of ours.
  server.setRequestHandler('tasks/update', params, ({ taskId }, context) =>
    declared(context, async (signal) => {
      await look(rw.attach(taskId), signal);
      return {};
    }),
  );
}

const factsOf = (record: RunRecord) => ({
  ...taskOf(record, 'completed'),
  ttlMs: null,
  pollIntervalMs: pollInterval(record),
});
