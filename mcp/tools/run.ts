import { z } from 'zod';
import type { Run, RunRecord, Runwire } from '../../client/runwire.ts';
import { shownRun, USUAL_BUDGET } from '../output/shown-run.ts';
import { ShownRun } from './facts.ts';
import { WaitSeconds } from './input.ts';
import { type Answer, type Call, tool } from './tool.ts';
import { runWithin } from './waiting.ts';

const USUAL_WAIT = 20;

export const RunInput = z.strictObject({
  script: z.string().min(1).optional().describe('for sh, e.g. `npm test 2>&1 | tail -50`; or command'),
  command: z.array(z.string()).min(1).optional().describe('program and arguments, without a shell'),
  kind: z.string().optional().describe('default subprocess, or docker where there is an image; see kinds'),
  image: z.string().optional().describe('container image to run it in'),
  workspace: z.string().optional().describe('workspace to work in; else an empty directory of its own'),
  session: z.string().optional().describe('prepared environment to work in'),
  spec: z.string().optional().describe('stored environment: name or name@version'),
  env: z.record(z.string(), z.string()).optional(),
  files: z
    .array(z.strictObject({ path: z.string(), text: z.string() }))
    .optional()
    .describe('put into its own directory first; where there is a workspace: put_files'),
  stdin: z
    .string()
    .optional()
    .describe('all of standard input; for more later: stdin_open and the tool stdin'),
  stdin_open: z.boolean().optional(),
  artifacts: z.array(z.string()).optional().describe('globs of files to keep, e.g. `dist/**`'),
  timeout_seconds: z.number().positive().optional().describe('it is ended after so long; default: never'),
  name: z.string().optional().describe('to find it again with list'),
  options: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('more options of an invocation, e.g. {"http":{"url":…}}'),
  wait_seconds: WaitSeconds.optional().describe(`default ${USUAL_WAIT}; 0: answer with the id at once`),
});
export type RunInput = z.infer<typeof RunInput>;
type Invocation = Parameters<Runwire['submit']>[0];

export const runTool = tool({
  name: 'run',
  title: 'Run a program',
  description:
    'Runs a program and answers with its output and exit code. One that takes longer than wait_seconds goes on: the answer has its id for wait, output, stdin, signal and cancel. It survives the end of this connection and of the server.',
  destructive: true,
  openWorld: true,
  input: RunInput,
  output: ShownRun,
  async act(input, call) {
    const run = await begin(input, call);
    return answerOf(run, await runWithin(run, input.wait_seconds ?? USUAL_WAIT, call), call.signal);
  },
});

export const GOES_ON = 'It goes on. wait waits for its end, output shows more, cancel ends it.';

/** What is told of a run that has finished, or goes on: the same whenever it is asked for, and by whom. */
export const answerOf = (run: Run, record: RunRecord, signal: AbortSignal): Promise<Answer> =>
  shownRun(run, record, {
    budget: USUAL_BUDGET,
    signal,
    ...(record.result === null && { next: GOES_ON }),
  });

/** Starts it. */
export function begin(input: RunInput, { rw, signal }: Call): Promise<Run> {
  return rw.submit(invocationOf(input), { signal });
}

function invocationOf(input: RunInput): Invocation {
  const { script, command, image, session, spec, workspace, kind, env, files, timeout_seconds, name } = input;
  const given = input.options as Invocation['options'];
  const options = {
    ...given,
    ...said({
      environment_spec: spec,
      workspace,
      session,
      stdin: input.stdin,
      stdin_open: input.stdin_open,
      artifacts: input.artifacts,
      files,
      docker: image === undefined ? undefined : { ...given?.docker, image },
    }),
  };
  return said({
    runtime_kind: kind ?? (image !== undefined ? 'docker' : spec || session ? undefined : 'subprocess'),
    runtime_name: name,
    command: command ?? (script === undefined ? undefined : ['sh', '-c', script]),
    environment: env,
    timeout_seconds,
    options: Object.keys(options).length === 0 ? undefined : options,
  });
}

const said = <T extends object>(all: T): T =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as T;
