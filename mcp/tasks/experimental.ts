import {
  ProtocolError,
  ProtocolErrorCode,
  RELATED_TASK_META_KEY,
  type Server,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { RunRecord, Runwire } from '../../client/runwire.ts';
import { resultOf } from '../tools/calling.ts';
import { answerOf } from '../tools/run.ts';
import { runWithin } from '../tools/waiting.ts';
import type { Told } from './protocol-error.ts';
import { look, pollInterval, taskOf } from './task.ts';

/** Of the revision 2025-11-25 (SEP-1686): the client says that a call is to be a task. */
export const TASKS_CAPABILITY = { list: {}, cancel: {}, requests: { tools: { call: {} } } };

const TaskParams = z.looseObject({ taskId: z.string().min(1) });
const ListParams = z.looseObject({ cursor: z.string().optional() });

/** What a host may give its model at once. */
const IMMEDIATE = 'io.modelcontextprotocol/model-immediate-response';

/** So long a cancelled run may take to end until the answer. */
const MOST_STOP_SECONDS = 40;
const PAGE = 50;

/** The answer to a call that goes on as a task. */
export function createdTask(record: RunRecord) {
  const task = factsOf(record);
  const words = `${task.statusMessage}. It goes on as a task; wait, output and cancel take its id.`;
  return { task, _meta: { [IMMEDIATE]: words } };
}

export function addExperimentalTasks(server: Server, rw: Runwire, told: Told): void {
  const params = { params: TaskParams };
  server.setRequestHandler('tasks/get', params, ({ taskId }, { mcpReq: { signal } }) =>
    told(signal, async () => factsOf(await look(rw.attach(taskId), signal))),
  );
  server.setRequestHandler('tasks/result', params, ({ taskId }, { mcpReq: { signal } }) =>
    told(signal, async () => {
      const run = rw.attach(taskId);
      const result = resultOf(await answerOf(run, await run.wait({ signal }), signal));
      return { ...result, _meta: { [RELATED_TASK_META_KEY]: { taskId } } };
    }),
  );
  server.setRequestHandler('tasks/cancel', params, ({ taskId }, { mcpReq: { signal } }) =>
    told(signal, async () => {
      const run = rw.attach(taskId);
      const before = await look(run, signal);
      if (before.result !== null)
        throw new ProtocolError(
          ProtocolErrorCode.InvalidParams,
          `The task is over: ${factsOf(before).status}.`,
        );
      await run.cancel({ signal });
      return factsOf(await runWithin(run, MOST_STOP_SECONDS, { signal, progress: null }));
    }),
  );
  server.setRequestHandler('tasks/list', { params: ListParams }, ({ cursor }, { mcpReq: { signal } }) =>
    told(signal, async () => {
      const { value: page } = await rw.list({ limit: PAGE, cursor, signal }).pages().next();
      const tasks = (page?.items ?? []).map(factsOf);
      return { tasks, ...(page?.next_cursor && { nextCursor: page.next_cursor }) };
    }),
  );
}

const factsOf = (record: RunRecord) => ({
  ...taskOf(record, 'failed'),
  ttl: null,
  pollInterval: pollInterval(record),
});
