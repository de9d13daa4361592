import { constants } from 'node:os';
import { z } from 'zod';
import type { RunContext, Runner, RunnerOutcome } from '../src/runner.ts';
import type { ExitFacts, SpawnFailure, StdinSource } from '../src/supervisor/protocol.ts';
import type { SupervisorClient } from './lib/supervisor-client.ts';

/** A local program, owned by the supervisor. See docs/runners/subprocess.md. */
export function subprocessRunner(supervisor: SupervisorClient): Runner<null> {
  return {
    kind: 'subprocess',
    name: 'Subprocess',
    description: 'A program on this machine, in a session of its own, without a shell.',
    spec: z.null(),
    needsCommand: true,
    captures: true,
    parse: () => null,
    run: (ctx) => runProgram(supervisor, ctx),
  };
}

async function runProgram(supervisor: SupervisorClient, ctx: RunContext<null>): Promise<RunnerOutcome> {
  const { invocation } = ctx;
  const run = invocation.invocation_id;
  const writer = ctx.outsideWriter();
  const over = Promise.withResolvers<RunnerOutcome>();
  await supervisor.spawn(
    {
      op: 'spawn',
      run,
      command: invocation.command,
      environment: Object.entries(ctx.environment).map(([name, value]) => `${name}=${value}`),
      working_directory: ctx.workingDirectory,
      directory: ctx.directory.root,
      first_seq: writer.firstSeq,
      max_output_bytes: ctx.maxOutputBytes,
      stdin: stdinOf(ctx),
      limits: invocation.options.limits,
    },
    {
      grew: writer.grew,
      active: writer.active,
      exited(facts, end) {
        writer.closed(end, facts.next_seq);
        over.resolve(exited(facts));
      },
      failed(failure, captures, nextSeq) {
        writer.closed(0, nextSeq);
        over.resolve({
          ...neverStarted(invocation.command[0] ?? '', failure),
          ...(captures ? { captures } : {}),
        });
      },
      lost: () => over.resolve(lost()),
    },
  );
  ctx.offer({
    writeStdin: (bytes) => supervisor.writeStdin(run, bytes),
    closeStdin: () => supervisor.closeStdin(run),
    signal: (name) => supervisor.signal(run, name),
    hasten: (graceMs) => supervisor.stop(run, graceMs),
  });
  ctx.whenStored(() => supervisor.forget(run));
  const stop = (): void => supervisor.stop(run, ctx.signal.reason.graceMs);
  if (ctx.signal.aborted) stop();
  else ctx.signal.addEventListener('abort', stop, { once: true });
  return over.promise;
}

function stdinOf({ invocation: { options }, inputPath }: RunContext<null>): StdinSource {
  if (options.stdin_open) return { kind: 'open' };
  if (options.stdin !== undefined) return { kind: 'text', text: options.stdin };
  if (inputPath !== null) return { kind: 'file', path: inputPath };
  return { kind: 'null' };
}

function exited(facts: ExitFacts): RunnerOutcome {
  const { code, signal, usage, kill, timings, capture_error } = facts;
  const killer = signal === null ? undefined : constants.signals[signal as NodeJS.Signals];
  return {
    ended: signal === null ? 'exited' : 'signaled',
    started: true,
    retrySafe: false,
    exitCode: code ?? (killer === undefined ? null : -killer),
    signal,
    success: code === 0 && capture_error === null,
    errorSummary:
      capture_error === null ? summary(code, signal) : `output could not be captured: ${capture_error}`,
    captures: { stdout: facts.stdout, stderr: facts.stderr },
    usage,
    kill,
    timings,
  };
}

function summary(code: number | null, signal: string | null): string | null {
  if (signal !== null) return `killed by ${signal}`;
  if (code === null) return 'the program could not be ended';
  return code === 0 ? null : `exited with code ${code}`;
}

/** errno names of a program that cannot be, in the words of people. */
const REASONS: Record<string, string> = {
  ENOENT: 'no such program',
  EACCES: 'not executable',
  ENOEXEC: 'not a program this machine can execute',
  E2BIG: 'command and environment are too large',
};

function neverStarted(program: string, failure: SpawnFailure): RunnerOutcome {
  return {
    ended: 'never_started',
    started: false,
    retrySafe: true,
    exitCode: null,
    errorSummary: `could not start ${JSON.stringify(program)}: ${REASONS[failure.code] ?? failure.message} (${failure.code})`,
  };
}

function lost(): RunnerOutcome {
  return {
    ended: 'lost',
    started: true,
    retrySafe: false,
    exitCode: null,
    errorSummary: 'the supervisor of the program was lost',
  };
}
