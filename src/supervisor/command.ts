import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ProcessLimits } from './protocol.ts';
import { SpawnError } from './spawner.ts';

/**
 * The file a command names, as execvp(3) finds it, but in the PATH of the run: a name with a slash is
 * relative to the working directory, another one is looked up. Throws SpawnError ENOENT or EACCES.
 */
export function resolveProgram(name: string, environment: string[], workingDirectory: string): string {
  if (name.includes('/')) return resolve(workingDirectory, name);
  const path =
    environment.findLast((pair) => pair.startsWith('PATH='))?.slice(5) ?? '/usr/local/bin:/usr/bin:/bin';
  let denied = false;
  for (const directory of path.split(':')) {
    const candidate = resolve(workingDirectory, directory, name);
    const stat = statSync(candidate, { throwIfNoEntry: false });
    if (!stat?.isFile()) continue;
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      denied = true;
    }
  }
  throw denied
    ? new SpawnError('EACCES', 'permission denied')
    : new SpawnError('ENOENT', 'not found in PATH');
}

const FLAGS: Record<keyof ProcessLimits, string> = {
  cpu_seconds: '--cpu',
  memory_bytes: '--as',
  processes: '--nproc',
  open_files: '--nofile',
  file_size_bytes: '--fsize',
};

/**
 * The command under its limits: posix_spawn cannot set resource limits and setting them afterwards
 * races with the program, so it is exec'ed through util-linux prlimit(1), which sets them on itself.
 */
export function withLimits(
  program: string,
  argv: string[],
  limits: ProcessLimits | undefined,
): { program: string; argv: string[] } {
  const flags = Object.entries(limits ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [`${FLAGS[name as keyof ProcessLimits]}=${value}:${value}`],
  );
  if (flags.length === 0) return { program, argv };
  return { program: '/usr/bin/prlimit', argv: ['prlimit', ...flags, '--', program, ...argv.slice(1)] };
}
