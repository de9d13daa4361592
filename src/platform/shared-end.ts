import { readFileSync, readlinkSync } from 'node:fs';

/** The pid namespace of the machine itself has this number on every Linux (include/linux/proc_ns.h). */
const FIRST_NAMESPACE = 'pid:[4026531836]';
/** First processes that go on when one of their children ends. */
const SYSTEMS = new Set(['systemd', 'init', 'runit', 'openrc-init', 's6-svscan']);

/**
 * Why processes that this one started would end together with it; null: they would not. In a container they do where this
 * process, or what started it, is the first one: the kernel ends all of a pid namespace with that. An engine does the
 * same with what it has put into the namespace of others. A unit of systemd takes all of its control group with it,
 * unless its KillMode says otherwise, which cannot be seen from here.
 */
export function sharedEnd(): string | null {
  if (process.pid === 1) return 'this is process 1 of its container';
  const unit = ownUnit();
  if (unit !== null) return `systemd ends what ${unit} has started together with it`;
  if (namespace() === FIRST_NAMESPACE) return null;
  if (process.ppid === 0) return 'this was started from outside of its container, which may end with it';
  const first = ancestors().includes(1) ? nameOf(1) : null;
  return first === null || SYSTEMS.has(first)
    ? null
    : `process 1 of the container (${first}) ends with the server`;
}

/** The service of systemd that this process is of. */
function ownUnit(): string | null {
  const groups = read('/proc/self/cgroup') ?? '';
  return /\/([^/\n]+\.service)$/m.exec(groups)?.[1] ?? null;
}

function namespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return FIRST_NAMESPACE; // a system without namespaces, or without /proc
  }
}

/** Parents of this process, as far as they are of its namespace. */
function ancestors(): number[] {
  const found: number[] = [];
  for (let pid = process.ppid; pid > 0 && found.length < 1000; ) {
    found.push(pid);
    const stat = read(`/proc/${pid}/stat`)?.replace(/^.*\) /s, '');
    pid = Number(stat?.split(' ')[1] ?? 0);
  }
  return found;
}

function nameOf(pid: number): string | null {
  return read(`/proc/${pid}/comm`)?.trim() ?? null;
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return null;
  }
}
