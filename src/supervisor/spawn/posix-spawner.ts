import type { Socket } from 'node:net';
import { constants } from 'node:os';
import koffi from 'koffi';
import { ChurnMap } from '../../platform/churn-map.ts';
import { Descendants } from '../find/descendants.ts';
import { ownChildren } from '../find/proc.ts';
import { ProcessSearch } from '../find/search.ts';
import * as fileActions from './file-actions.ts';
import { programScoring } from './oom-score.ts';
import { pipeEnds } from './pipe-ends.ts';
import * as posix from './posix.ts';
import type { ProgramExit, ProgramSpec, Spawner, StartedProgram } from './spawner.ts';
import { spawnErrorOf } from './system-spawn-error.ts';
import { terminalEnds } from './terminal-ends.ts';

/**
 * posix_spawn through koffi: the child shares our memory until exec (vfork inside), so that a spawn
 * costs the same however much this process holds. See docs/ARCHITECTURE.md.
 */
const libc = koffi.load(null);
const posixSpawn = libc.func(
  'int posix_spawn(void *pid, str path, void *actions, void *attributes, str *argv, str *environment)',
);
const attrInit = libc.func('int posix_spawnattr_init(void *attributes)');
const attrFlags = libc.func('int posix_spawnattr_setflags(void *attributes, short flags)');
const attrDefaults = libc.func('int posix_spawnattr_setsigdefault(void *attributes, void *set)');
const attrMask = libc.func('int posix_spawnattr_setsigmask(void *attributes, void *set)');

const SETSIGDEF = 0x04;
const SETSIGMASK = 0x08;
const SETSID = 0x80;

/** An opaque C structure, well under 512 bytes in glibc and musl. */
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
      const ends = spec.terminal ? terminalEnds(spec.terminal) : pipeEnds(spec.stdin);
      const marked = posix.setMark(spec.mark);
      fileActions.begin();
      ends.connect();
      fileActions.chdir(spec.workingDirectory);
      const argv = [...spec.argv, null];
      const environment = [...spec.environment, null];
      const error = withProgramScore<number>(
        () => posixSpawn(pidOut, spec.program, fileActions.actions, attributes, argv, environment),
        (failed) => (failed === 0 ? pidOut[0] : undefined),
      );
      fileActions.end();
      if (marked) posix.setMark(inherited);
      if (error !== 0) {
        ends.failed();
        throw spawnErrorOf(error);
      }
      const pid = pidOut[0] as number;
      leaders.set(pid, heardByNobody); // from its birth: whoever looks at our children meanwhile takes it for no orphan
      const { leaderGone, ...ours } = ends.started();
      return {
        pid,
        ...ours,
        mark: marked ? spec.mark : null,
        signalGroup: (signal) => posix.kill(-pid, signal),
        onExit: (callback) =>
          leaders.set(pid, (exit) => {
            leaderGone?.();
            callback(exit);
          }),
      };
    },
  };
}

/** Node has no other name for it. */
function descriptorOf(socket: Socket): number | null {
  const { _handle: handle } = socket as Socket & { _handle?: { fd?: number } | null };
  return handle?.fd ?? null;
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
