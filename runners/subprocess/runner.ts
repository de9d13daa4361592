import { z } from 'zod';
import type { RunContext } from '../../src/contract/context.ts';
import { Rejected, type RunnerOutcome } from '../../src/contract/outcome.ts';
import type { Runner } from '../../src/contract/runner.ts';
import { fieldRefusal } from '../../src/documents/field-errors.ts';
import type { Invocation } from '../../src/documents/invocation.ts';
import type { SupervisorClient } from '../../src/supervisor/client/client.ts';
import type { ProgramListener } from '../../src/supervisor/client/listener.ts';
import type { SpawnRequest, StdinSource, TimeLimit } from '../../src/supervisor/protocol/messages.ts';
import { couldNotStart, exited, lost, neverBegan } from './outcome.ts';
import { endedWithoutCommand, setupRequest } from './setup.ts';

export interface SubprocessParts {
  supervisor: SupervisorClient;
}

/** A local program, owned by the supervisor. See docs/runners/subprocess.md. */
export function subprocessRunner({ supervisor }: SubprocessParts): Runner<null> {
  return {
    kind: 'subprocess',
    rxpKind: 'subprocess',
    name: 'Subprocess',
    description: 'A program on this machine, in a session of its own, without a shell.',
    optionKey: null,
    spec: z.null(),
    needsCommand: true,
    captures: true,
    makesDirectory: true,
    setsUp: true,
    noTerminal: () => null,
    given: { by: 'place' },
    sessions: { end: ({ setupDirectories }) => supervisor.end(setupDirectories) },
    parse,
    run: (ctx) => runProgram(supervisor, ctx, 'spawn'),
    recover: (ctx) => runProgram(supervisor, ctx, 'adopt'),
  };
}

function parse({ options: { setup } }: Invocation): null {
  if (setup?.user === undefined) return null;
  throw fieldRefusal('invalid_invocation', [
    { path: 'options.setup.user', message: 'subprocess runs all as the user of the server: leave it out' },
  ]);
}

async function runProgram(
  supervisor: SupervisorClient,
  ctx: RunContext<null>,
  how: 'spawn' | 'adopt',
): Promise<RunnerOutcome> {
  const run = ctx.invocation.invocation_id;
  const program = ctx.invocation.command[0] ?? '';
  const writer = ctx.outsideWriter();
  const over = Promise.withResolvers<RunnerOutcome>();
  const request = spawnRequest(ctx, writer.firstSeq);
  const { directory, first_seq: firstSeq, time_limit: timeLimit } = request;
  const { rebooted, setup } = ctx;
  let mayBegin = how === 'adopt';

  const stop = (): void => supervisor.stop(run, ctx.signal.reason.graceMs);
  /** Said again whenever the supervisor was reached anew: what was said in between is lost. */
  const stopIfAborted = (): void => {
    if (ctx.signal.aborted) stop();
  };
  const listener: ProgramListener = {
    started() {
      ctx.goesOn();
      stopIfAborted();
    },
    began: (msAgo) => ctx.commandBegins(msAgo),
    grew: writer.grew,
    active: writer.active,
    exited(facts, end) {
      writer.closed(end, facts.next_seq);
      if (facts.timed_out) ctx.timedOut(facts.setup?.done === false ? 'setup' : 'run');
      const { setup: was } = facts;
      const planned = setup?.commands.length ?? 0;
      if (was && facts.pid === null) over.resolve(endedWithoutCommand(facts, was, { planned, program }));
      else over.resolve(exited(facts));
    },
    failed(failure, captures, nextSeq) {
      writer.closed(0, nextSeq);
      if (failure.refused) over.reject(new Rejected(failure.message));
      else over.resolve({ ...couldNotStart(program, failure, captures), ...(setup && { setup: [] }) });
    },
    lost(facts) {
      if (facts) writer.closed(facts.end, facts.nextSeq);
      over.resolve(lost(facts, rebooted));
    },
    absent() {
      // The server that accepted it died before it handed it over: it begins now, once.
      if (mayBegin && !ctx.signal.aborted) {
        ctx.goesOn();
        begin('spawn');
      } else {
        writer.abandoned();
        over.resolve(neverBegan('its supervisor died before the program was started'));
      }
      mayBegin = false;
    },
  };
  const begin = (way: 'spawn' | 'adopt'): void => {
    const handing =
      way === 'spawn'
        ? supervisor.spawn(request, ctx.startedAt, listener)
        : supervisor.adopt(run, {
            directory,
            firstSeq,
            startedAt: ctx.startedAt,
            rebooted,
            timeLimit,
            setup: setup !== null,
            listener,
          });
    const handed = (): void => {
      ctx.outlives();
      stopIfAborted();
    };
    handing.then(handed, (error: Error) => {
      if (way === 'adopt') return over.resolve(lost(null, rebooted));
      writer.abandoned();
      over.resolve(neverBegan(error.message));
    });
  };

  ctx.whenStored(() => supervisor.forget(run));
  ctx.offer({
    writeStdin: (bytes) => supervisor.writeStdin(run, bytes),
    closeStdin: () => supervisor.closeStdin(run),
    ...(ctx.invocation.options.terminal && { resize: (size) => supervisor.resize(run, size) }),
    signal: (name) => supervisor.signal(run, name),
    hasten: (graceMs) => supervisor.stop(run, graceMs),
  });
  begin(how);
  ctx.signal.addEventListener('abort', stop, { once: true });
  return over.promise;
}

function spawnRequest(ctx: RunContext<null>, firstSeq: number): SpawnRequest {
  const { invocation } = ctx;
  return {
    op: 'spawn',
    run: invocation.invocation_id,
    command: invocation.command,
    environment: Object.entries(ctx.environment).map(([name, value]) => `${name}=${value}`),
    working_directory: ctx.workingDirectory,
    directory: ctx.directory.root,
    first_seq: firstSeq,
    max_output_bytes: ctx.maxOutputBytes,
    stdin: stdinOf(ctx),
    limits: invocation.options.limits,
    time_limit: timeLimitOf(ctx),
    setup: setupRequest(ctx),
    terminal: invocation.options.terminal,
  };
}

function timeLimitOf({ invocation, killGraceMs }: RunContext<null>): TimeLimit | undefined {
  const { timeout_seconds: seconds } = invocation;
  return seconds === null ? undefined : { ms: seconds * 1000, grace_ms: killGraceMs };
}

function stdinOf({ invocation: { options }, inputPath, inputFile }: RunContext<null>): StdinSource {
  if (options.stdin_open) return { kind: 'open' };
  if (options.stdin !== undefined) return { kind: 'text', text: options.stdin };
  if (inputPath !== null) return { kind: 'file', ...(inputFile ?? { path: inputPath }) };
  return { kind: 'null' };
}
