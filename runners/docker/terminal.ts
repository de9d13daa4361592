import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunContext, RunControls } from '../../src/contract/context.ts';
import { RunwireError } from '../../src/documents/errors.ts';
import type { TerminalSize } from '../../src/documents/terminal.ts';
import { DaemonGone, type DockerDaemon } from './daemon.ts';
import { typedInto } from './stdin.ts';

/** A byte that is in no text, eight times: what the engine would take for the wish to leave, which it cannot be told not to look for. */
const NEVER_TYPED = Array(8).fill('%FF').join(',');
/** An engine before 23 takes no size for a terminal that is to be made, and for a moment none for one that has just begun. */
const SIZE_TRIES = 20;
const SIZE_PAUSE_MS = 25;

export function terminalOf({ invocation }: Pick<RunContext, 'invocation'>): TerminalSize | null {
  return invocation.options.terminal ?? null;
}

/** A connection on which it is typed into the terminal of a container: another one may follow it. */
export function attachTerminal(daemon: DockerDaemon, id: string): Promise<Socket> {
  return daemon.ask(
    ({ modem }) =>
      new Promise((resolve, reject) =>
        modem.dial(
          {
            path: `/containers/${id}/attach?detachKeys=${NEVER_TYPED}&`,
            method: 'POST',
            isStream: true,
            hijack: true,
            openStdin: true,
            statusCodes: { 101: true, 200: true, 404: 'no such container', 500: 'server error' },
            options: { stream: true, stdin: true, stdout: false, stderr: false },
          },
          (error, socket) => (error ? reject(error) : resolve(socket as Socket)),
        ),
      ),
  );
}

/** What may be done at it. `began`: resolves when the container was started. `size`: at the start, unless somebody asks for another. */
export function terminalControls(
  daemon: DockerDaemon,
  id: string,
  input: Socket,
  { began, size = null }: { began: Promise<void>; size?: TerminalSize | null },
): RunControls {
  let first = size;
  if (size !== null) void began.then(() => sizeAtStart(daemon, id, () => first));
  return {
    ...typedInto(input),
    async resize(to) {
      first = null;
      await began;
      await resize(daemon, id, to);
    },
  };
}

/** What has ended, or an engine that is away, needs none. */
async function sizeAtStart(daemon: DockerDaemon, id: string, size: () => TerminalSize | null): Promise<void> {
  for (let n = 0; n < SIZE_TRIES; n++)
    try {
      const wanted = size();
      if (wanted !== null) await resize(daemon, id, wanted);
      return;
    } catch (error) {
      if (error instanceof DaemonGone) return;
      await sleep(SIZE_PAUSE_MS);
    }
}

async function resize(daemon: DockerDaemon, id: string, { cols, rows }: TerminalSize): Promise<void> {
  try {
    await daemon.ask((docker) => docker.getContainer(id).resize({ h: rows, w: cols }));
  } catch (error) {
    if (error instanceof DaemonGone) throw error;
    throw new RunwireError('not_running', 'the container has not started, or has ended');
  }
}
