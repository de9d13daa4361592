import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex, Readable } from 'node:stream';

/** What git may take of the machine. */
export interface GitLimits {
  /** Of one file; infinite: as the machine has it. */
  fileBytes: number;
  /** Of one process. */
  memoryBytes: number;
}

export interface GitCall {
  git: string;
  arguments: readonly string[];
  directory: string;
  environment: Record<string, string>;
  limits: GitLimits;
  signal: AbortSignal;
  /** Standard output, as it comes; what it throws ends git. Default: at most 64 KiB of it are kept. */
  onOutput?: (chunk: Buffer) => void;
}

export interface GitEnd {
  /** As a shell has it: 128 and the signal where one ended it. */
  code: number;
  output: string;
  /** The end of standard error. */
  errors: string;
}

const KEPT = 64 * 1024;
/** Of 512 bytes: POSIX. */
const BLOCK = 512;

/**
 * Its group is one of its own and ends as a whole: when git ends, when we say so, and when we die, which closes the
 * other end of descriptor 3. Nothing but a member signals the group once git has gone, so that the number is its own.
 * A file that grows too large is an error that git tells of, and no signal that ends one of its helpers without a word.
 */
const SCRIPT = `
umask 022
trap '' XFSZ
ulimit -c 0 2>/dev/null
[ "$1" = unlimited ] || ulimit -f "$1" 2>/dev/null
ulimit -v "$2" 2>/dev/null
shift 2
{ read -r _ <&3; kill -s KILL 0; } >/dev/null 2>&1 &
watcher=$!
"$@" 3<&-
code=$?
kill -s KILL "$watcher"
wait "$watcher" 2>/dev/null
echo "$code" >&3
kill -s KILL 0
`;

/**
 * Runs git to its end: all that it started has ended too when this settles. Rejects with the signal's reason, with what
 * `onOutput` throws, and where no process could be started.
 */
export function runGit(call: GitCall): Promise<GitEnd> {
  const { fileBytes, memoryBytes } = call.limits;
  const blocks = Number.isFinite(fileBytes) ? String(Math.ceil(fileBytes / BLOCK)) : 'unlimited';
  const kibibytes = String(Math.ceil(memoryBytes / 1024));
  const ended = Promise.withResolvers<GitEnd>();
  if (call.signal.aborted) return Promise.reject(call.signal.reason);
  const child = spawn(
    '/bin/sh',
    ['-c', SCRIPT, 'runwire-git', blocks, kibibytes, call.git, ...call.arguments],
    {
      cwd: call.directory,
      env: call.environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    },
  );
  let stopped: { why: unknown } | null = null;
  const stop = (why: unknown): void => {
    stopped ??= { why };
    endGroup(child);
  };
  const abort = (): void => stop(call.signal.reason);
  call.signal.addEventListener('abort', abort, { once: true });

  const output = keep(child.stdout as Readable, 'first', (chunk) => {
    try {
      call.onOutput?.(chunk);
    } catch (error) {
      stop(error);
    }
  });
  const errors = keep(child.stderr as Readable, 'last');
  const code = keep(lifeline(child), 'first');
  child.once('error', (error) => stop(error));
  child.once('close', () => {
    call.signal.removeEventListener('abort', abort);
    lifeline(child).destroy();
    if (stopped !== null) return ended.reject(stopped.why);
    if (code() === '') return ended.reject(new Error(`git was ended by others (${child.signalCode})`));
    ended.resolve({ code: Number(code()), output: output(), errors: errors() });
  });
  return ended.promise;
}

/** Its number is ours as long as the leader has not been waited for. */
function endGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended, and we have not heard of it yet.
  }
}

/** Descriptor 3 of the group. */
function lifeline(child: ChildProcess): Duplex {
  return child.stdio[3] as Duplex;
}

/**
 * The first of what comes, as text, when it is asked for; or the last, from a whole line on: in half of one there may be
 * half a secret, which nobody would find.
 */
function keep(stream: Readable, part: 'first' | 'last', seen?: (chunk: Buffer) => void): () => string {
  let kept = Buffer.alloc(0);
  /** The line that comes now was cut. */
  let halved = false;
  const last = (all: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> => {
    if (all.length <= KEPT && !halved) return all;
    const end = all.indexOf('\n', Math.max(0, all.length - KEPT));
    halved = end < 0;
    return halved ? Buffer.alloc(0) : all.subarray(end + 1);
  };
  stream.on('data', (chunk: Buffer) => {
    seen?.(chunk);
    if (part === 'last') kept = last(Buffer.concat([kept, chunk]));
    else if (kept.length < KEPT) kept = Buffer.concat([kept, chunk]).subarray(0, KEPT);
  });
  stream.on('error', () => {}); // The other end is gone: `close` tells it.
  return () => kept.toString();
}
