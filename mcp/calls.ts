import {
  type JSONRPCRequest,
  ProtocolError,
  ProtocolErrorCode,
  type Result,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { RunRecord, Runwire } from '../client/runwire.ts';
import { createdTask as experimentalTask } from './tasks/experimental.ts';
import { createdTask, knowsTasks } from './tasks/extension.ts';
import { callTool, failed, guarded, inputOf, resultOf, toolNamed } from './tools/calling.ts';
import { answerOf, begin, RunInput } from './tools/run.ts';
import type { Call } from './tools/tool.ts';
import { runWithin } from './tools/waiting.ts';

export type Era = 'legacy' | 'modern';

/** A run that ends runWithin these seconds is answered at once to clients that know tasks. */
const TASK_AFTER = 2;

/** Answers `tools/call`: with a result, or with a task that the run goes on as. */
export async function answerCall(rw: Runwire, era: Era, request: JSONRPCRequest, context: ServerContext) {
  const { params } = request;
  const name = String(params?.name);
  const tool = toolNamed(name);
  if (tool === undefined)
    throw invalid(
      `There is no tool ${JSON.stringify(name.slice(0, 100))}: tools/list has those that there are.`,
    );
  const call = callOf(rw, context);
  const given = params?.arguments;
  if (era === 'legacy' && params?.task !== undefined) {
    if (name !== 'run')
      throw new ProtocolError(ProtocolErrorCode.MethodNotFound, `${name} cannot be a task.`);
    return asTask(given, call);
  }
  if (era === 'modern' && name === 'run' && knowsTasks(context)) return perhapsAsTask(given, call);
  return callTool(tool, given, call);
}

/** The client wants a task. */
async function asTask(given: unknown, call: Call) {
  const input = inputOf({ input: RunInput }, given);
  if (!input.ok) throw invalid(input.faults);
  return experimentalTask((await begin(input.value, call)).record as RunRecord);
}

/** The client can do with a task. A model that says how long it waits wants its answer then, and not the end of the run. */
async function perhapsAsTask(given: unknown, call: Call) {
  const input = inputOf({ input: RunInput }, given);
  if (!input.ok) return failed(input.faults);
  const { wait_seconds: wait } = input.value;
  return guarded<Result>(call.signal, async () => {
    const run = await begin(input.value, call);
    const record = await runWithin(run, wait ?? TASK_AFTER, call);
    if (wait === undefined && record.result === null) return createdTask(record);
    return resultOf(await answerOf(run, record, call.signal));
  });
}

function callOf(rw: Runwire, { mcpReq }: ServerContext): Call {
  const { signal, notify } = mcpReq;
  const token = mcpReq._meta?.progressToken;
  if (token === undefined) return { rw, signal, progress: null };
  return {
    rw,
    signal,
    progress: (progress, total, message) => {
      const params = { progressToken: token, progress, total, message };
      notify({ method: 'notifications/progress', params }).catch(() => {}); // nobody listens any more
    },
  };
}

const invalid = (words: string): ProtocolError => new ProtocolError(ProtocolErrorCode.InvalidParams, words);
