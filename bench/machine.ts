import { execFileSync } from 'node:child_process';
import { readFileSync, statfsSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

/** Numbers of a bench mean little without these. */
export interface Machine {
  cpu: string;
  cores: number;
  /** It runs under a hypervisor. */
  virtual: boolean;
  memoryGiB: number;
  system: string;
  kernel: string;
  node: string;
  /** Version and commit of what is measured. */
  runwire: string;
  /** Means over 1, 5 and 15 minutes, before the bench. */
  loadBefore: string;
  dataOn: 'disk' | 'tmpfs';
}

/** Linux' f_type of tmpfs. */
const TMPFS = 0x01021994;

export function describeMachine(dataDir: string): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    virtual: /^flags\s*:.*\bhypervisor\b/m.test(readFileSync('/proc/cpuinfo', 'utf8')),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown',
    // Without what a builder of kernels adds.
    kernel: /^[\d.]+/.exec(release())?.[0] ?? 'unknown',
    node: process.version,
    runwire: runwireVersion(),
    loadBefore: readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' '),
    dataOn: statfsSync(dataDir).type === TMPFS ? 'tmpfs' : 'disk',
  };
}

export function machineLine(machine: Machine): string {
  const { cores, cpu, virtual, memoryGiB, system, kernel, node, runwire, dataOn, loadBefore } = machine;
  return `Runwire ${runwire}, Node ${node}; ${cores} cores (${cpu}${virtual ? ', virtual' : ''}), ${memoryGiB} GiB, ${system}, Linux ${kernel}, data on ${dataOn}; load before ${loadBefore}`;
}

/** The version, and the commit where there is one: with `+` when files were changed since. */
function runwireVersion(): string {
  const root = new URL('..', import.meta.url);
  const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string };
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const commit = git('rev-parse', '--short', 'HEAD');
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'src', 'routes', 'runners');
    return `${version} (${commit}${changed === '' ? '' : '+'})`;
  } catch {
    return version; // not a clone
  }
}
