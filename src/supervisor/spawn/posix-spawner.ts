import { Socket } from 'node:net';
import { constants } from 'node:os';
import { getSystemErrorMessage, getSystemErrorName } from 'node:util';
import koffi from 'koffi';
import { ChurnMap } from '../../platform/churn-map.ts';
import { Descendants } from '../find/descendants.ts';
import { ownChildren } from '../find/proc.ts';
import { ProcessSearch } from '../find/search.ts';
import { programScoring } from './oom-score.ts';
import { followPipe, pipeInput } from './pipes.ts';
import * as posix from './posix.ts';
import {
  type OutputSource,
  type ProgramExit,
  type ProgramSpec,
  SpawnError,
  type Spawner,
  type StartedProgram,
} from './spawner.ts';

/**
 * posix_spawn through koffi: the child shares our memory until exec (vfork inside), so that a spawn
 * costs the same however much this process holds. See docs/ARCHITECTURE.md.
 */
const libc = koffi.load(null);
const posixSpawn = libc.func(
  'int posix_spawn(void *pid, str path, void *actions, void *attributes, str *argv, str *environment)',
);
const actionsInit = libc.func('int posix_spawn_file_actions_init(void *actions)');
const actionsDestroy = libc.func('int posix_spawn_file_actions_destroy(void *actions)');
const addDup2 = libc.func('int posix_spawn_file_actions_adddup2(void *actions, int from, int to)');
const addChdir = libc.func('int posix_spawn_file_actions_addchdir_np(void *actions, str path)');
const attrInit = libc.func('int posix_spawnattr_init(void *attributes)');
const attrFlags = libc.func('int posix_spawnattr_setflags(void *attributes, short flags)');
const attrDefaults = libc.func('int posix_spawnattr_setsigdefault(void *attributes, void *set)');
const attrMask = libc.func('int posix_spawnattr_setsigmask(void *attributes, void *set)');

const SETSIGDEF = 0x04;
const SETSIGMASK = 0x08;
const SETSID = 0x80;
const PIPE_BYTES = 1 << 20;

/** Opaque C structures; both are well under 512 bytes in glibc and musl. */
const actions = Buffer.alloc(512);
const attributes = Buffer.alloc(512);
const pidOut = new Int32Array(1);

/** A new session, every signal at its default (Node ignores SIGPIPE) and none blocked. */
function initAttributes(): void {
  attrInit(attributes);
  attrDefaults(attributes, Buffer.alloc(128, 0xff));
  attrMask(attributes, Buffer.alloc(128, 0));
  attrFlags(attributes, SETSIGDEF | SETSIGMASK | SETSID);
}

export function posixSpawner(): Spawner {
  initAttributes();
  const children = posix.becomeSubreaper() ? ownChildren() : null;
  const leaders = new ChurnMap<number, (exit: ProgramExit) => void>();
  const heardByNobody = (): void => {};
  const inherited = posix.getMark();
  const withProgramScore = programScoring();
  const descendants = children
    ? new Descendants({
        children,
        isLeader: (pid) => leaders.has(pid),
        kill: (pid) => void posix.kill(pid, constants.signals.SIGKILL),
      })
    : null;

  function reap(): void {
    for (let child = posix.reapOne(); child; child = posix.reapOne()) {
      const leader = leaders.get(child.pid);
      if (leader) {
        leaders.delete(child.pid);
        leader(exitOf(child));
      } else descendants?.reaped(child.pid);
    }
  }
  process.on('SIGCHLD', reap);

  return {
    name: 'posix',
    finder: descendants ?? new ProcessSearch(),
    signal: posix.signalExactly,
    peerOf(socket) {
      const fd = descriptorOf(socket);
      return fd === null ? null : posix.peerOf(fd);
    },
    spawn(spec: ProgramSpec): StartedProgram {
      const [out, err, input] = openPipes(spec.stdin === 'pipe');
      const marked = posix.setMark(spec.mark);
      actionsInit(actions);
      addDup2(actions, input ? input.read : spec.stdin, 0);
      addDup2(actions, out.write, 1);
      addDup2(actions, err.write, 2);
      addChdir(actions, spec.workingDirectory);
      const argv = [...spec.argv, null];
      const environment = [...spec.environment, null];
      const error = withProgramScore<number>(
        () => posixSpawn(pidOut, spec.program, actions, attributes, argv, environment),
        (failed) => (failed === 0 ? pidOut[0] : undefined),
      );
      actionsDestroy(actions);
      if (marked) posix.setMark(inherited);
      posix.close(out.write);
      posix.close(err.write);
      if (input) posix.close(input.read);
      if (error !== 0) {
        posix.close(out.read);
        posix.close(err.read);
        if (input) posix.close(input.write);
        throw new SpawnError(getSystemErrorName(-error), getSystemErrorMessage(-error));
      }
      const pid = pidOut[0] as number;
      leaders.set(pid, heardByNobody); // from its birth: whoever looks at our children meanwhile takes it for no orphan
      return {
        pid,
        stdout: pipeSource(out.read),
        stderr: pipeSource(err.read),
        stdin: input ? pipeInput(new Socket({ fd: input.write, readable: false, writable: true })) : null,
        mark: marked ? spec.mark : null,
        signalGroup: (signal) => posix.kill(-pid, signal),
        onExit: (callback) => leaders.set(pid, callback),
      };
    },
  };
}

/** Node has no other name for it. */
function descriptorOf(socket: Socket): number | null {
  const { _handle: handle } = socket as Socket & { _handle?: { fd?: number } | null };
  return handle?.fd ?? null;
}

/** All of them or, when descriptors run out, none. */
function openPipes(feed: boolean): [posix.Pipe, posix.Pipe, posix.Pipe | null] {
  const opened: posix.Pipe[] = [];
  const open = (ours: 'read' | 'write'): posix.Pipe => {
    const pipe = posix.openPipe(ours);
    opened.push(pipe);
    return pipe;
  };
  try {
    return [open('read'), open('read'), feed ? open('write') : null];
  } catch (error) {
    for (const { read, write } of opened) {
      posix.close(read);
      posix.close(write);
    }
    if (!(error instanceof posix.SystemError)) throw error;
    throw new SpawnError(getSystemErrorName(-error.errno), getSystemErrorMessage(-error.errno));
  }
}

let ourPeak = 0;

/** Until exec a child counts our memory as its own, so that a smaller peak cannot be told from ours. */
function aboveOurPeak(bytes: number): boolean {
  if (bytes > ourPeak) ourPeak = process.resourceUsage().maxRSS * 1024;
  return bytes > ourPeak;
}

function exitOf(child: posix.Reaped): ProgramExit {
  const signal = child.status & 0x7f;
  const usage = {
    cpu_user_ms: child.cpuUserMs,
    cpu_system_ms: child.cpuSystemMs,
    max_rss_bytes: aboveOurPeak(child.maxRssBytes) ? child.maxRssBytes : null,
  };
  return signal === 0
    ? { code: (child.status >> 8) & 0xff, signal: null, usage }
    : { code: null, signal: signalName(signal), usage };
}

const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));
SIGNAL_NAMES.set(constants.signals.SIGABRT, 'SIGABRT');
SIGNAL_NAMES.set(constants.signals.SIGIO, 'SIGIO');

/** SIGKILL for 9; real-time signals have numbers only. */
export function signalName(number: number): string {
  return SIGNAL_NAMES.get(number) ?? `SIG${number}`;
}

/** All pipes are read into one buffer: a chunk is used before the next read. */
const shared = Buffer.allocUnsafeSlow(256 * 1024);

function pipeSource(fd: number): OutputSource {
  let ended = false;
  let socket: Socket | null = null;
  return {
    drain(onChunk) {
      // What the pipe holds now is never more than its capacity; others may go on filling it for ever.
      for (let left = PIPE_BYTES; !ended && left > 0; ) {
        const got = posix.readNow(fd, shared);
        if (got < 0) return false;
        if (got === 0) ended = true;
        else onChunk(shared.subarray(0, got));
        left -= got;
      }
      return ended;
    },
    follow(onChunk, onEnd) {
      let grown = false;
      const finish = () => {
        ended = true; // the socket has closed the descriptor
        onEnd();
      };
      socket = followPipe(fd, shared, onChunk, finish, (got) => {
        if (grown || got < 64 * 1024) return;
        grown = true;
        posix.growPipe(fd, PIPE_BYTES);
      });
    },
    close() {
      ended = true;
      if (socket) socket.destroy();
      else posix.close(fd);
    },
  };
}
