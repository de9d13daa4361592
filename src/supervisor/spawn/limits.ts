import { existsSync, readFileSync } from 'node:fs';
import { ownLimit } from '../../platform/own-limits.ts';
import type { ProcessLimits } from '../protocol/messages.ts';
import { checkExecutable } from './command.ts';
import { LimitRefused } from './spawner.ts';

const PRLIMIT_PLACES = ['/usr/bin/prlimit', '/bin/prlimit', '/usr/local/bin/prlimit'];
const CAP_SYS_ADMIN = 1n << 21n;
const CAP_SYS_RESOURCE = 1n << 24n;

/** Flag of prlimit(1) and the line of /proc/self/limits of each. */
const LIMITS: Record<keyof ProcessLimits, { flag: string; line: string }> = {
  cpu_seconds: { flag: '--cpu', line: 'Max cpu time' },
  memory_bytes: { flag: '--as', line: 'Max address space' },
  processes: { flag: '--nproc', line: 'Max processes' },
  open_files: { flag: '--nofile', line: 'Max open files' },
  file_size_bytes: { flag: '--fsize', line: 'Max file size' },
};

/** The path of util-linux prlimit(1), which sets limits on itself and becomes a program; or undefined. */
export function findPrlimit(): string | undefined {
  return PRLIMIT_PLACES.find((path) => existsSync(path));
}

/**
 * The command under its limits: posix_spawn cannot set resource limits and setting them afterwards
 * races with the program, so it is exec'ed through prlimit(1). Throws LimitRefused where a limit would not
 * hold, SpawnError where the program could not be executed.
 */
export function withLimits(
  program: string,
  argv: string[],
  limits: ProcessLimits | undefined,
): { program: string; argv: string[] } {
  const asked = Object.entries(limits ?? {}) as [keyof ProcessLimits, number | undefined][];
  const flags = asked.flatMap(([name, value]) => (value === undefined ? [] : [flagOf(name, value)]));
  if (flags.length === 0) return { program, argv };
  const prlimit = findPrlimit();
  if (!prlimit)
    throw new LimitRefused('options.limits cannot be enforced: this machine has no prlimit program');
  if (limits?.processes !== undefined && exemptFromProcessLimit())
    throw new LimitRefused(
      'options.limits.processes cannot be enforced: the kernel exempts root, and this server runs as root',
    );
  checkExecutable(program);
  return { program: prlimit, argv: ['prlimit', ...flags, '--', program, ...argv.slice(1)] };
}

/** Never above the hard limit that holds already. CPU time ends in SIGXCPU and, a second later, in SIGKILL. */
function flagOf(name: keyof ProcessLimits, value: number): string {
  const { flag, line } = LIMITS[name];
  const ceiling = ownLimit(line).hard;
  const soft = Math.min(value, ceiling);
  const hard = name === 'cpu_seconds' ? Math.min(value + 1, ceiling) : soft;
  return `${flag}=${soft}:${hard}`;
}

/** RLIMIT_NPROC does not bind the real root user, nor who has CAP_SYS_ADMIN or CAP_SYS_RESOURCE: setrlimit(2). */
function exemptFromProcessLimit(): boolean {
  if (!/^\s*0\s+0\s/.test(read('/proc/self/uid_map') || '0 0 1')) return false;
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(read('/proc/self/status'))?.[1];
  const capabilities = BigInt(`0x${effective ?? '0'}`);
  return process.getuid?.() === 0 || (capabilities & (CAP_SYS_ADMIN | CAP_SYS_RESOURCE)) !== 0n;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
