import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { start, stop, until } from '../peer.ts';

export interface RunwireServer {
  port: number;
  /** The server's process. */
  pid: number;
  /** The process that owns the programs, or undefined before it started. */
  supervisorPid(): number | undefined;
  stop(): Promise<void>;
}

/** Runwire as it is started by `npm start`, with everything it keeps in `dataDir` and its log in a file. */
export async function runwire(
  dataDir: string,
  log: string,
  settings: Record<string, string> = {},
  heldBytes = 0,
): Promise<RunwireServer> {
  const server = resolve(import.meta.dirname, '../../src/server.ts');
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('RUNWIRE_'));
  const { flags, env } = holding(heldBytes);
  const environment = {
    ...Object.fromEntries(inherited),
    RUNWIRE_HOST: '127.0.0.1',
    RUNWIRE_PORT: '0',
    RUNWIRE_DATA_DIR: dataDir,
    ...env,
    ...settings,
  };
  const from = sizeOf(log);
  const child = start([process.execPath, ...flags, server], log, environment);
  const supervisorPid = () => findSupervisor(dataDir);
  const kill = () => killSupervisor(supervisorPid());
  process.prependOnceListener('exit', kill);
  const port = await until(child, log, async () => {
    const address = /http:\/\/127\.0\.0\.1:(\d+)/.exec(readFileSync(log, 'utf8').slice(from))?.[1];
    return address === undefined ? undefined : Number(address);
  });
  return {
    port,
    pid: child.pid ?? 0,
    supervisorPid,
    stop: async () => {
      const supervisor = supervisorPid();
      await stop(child, 15_000);
      for (let waited = 0; waited < 5000 && findSupervisor(dataDir) !== undefined; waited += 100)
        await sleep(100);
      if (supervisor !== undefined && findSupervisor(dataDir) === supervisor) {
        console.error(`the supervisor ${supervisor} outlived its server: killed`);
        killSupervisor(supervisor);
      }
      process.off('exit', kill);
    },
  };
}

/** How Node is started so that it holds memory from the beginning. */
export function holding(bytes: number): { flags: string[]; env: Record<string, string> } {
  if (bytes === 0) return { flags: [], env: {} };
  const preload = resolve(import.meta.dirname, '../fixtures/hold.ts');
  return { flags: ['--import', preload], env: { BENCH_HOLD_BYTES: String(bytes) } };
}

function sizeOf(log: string): number {
  try {
    return readFileSync(log, 'utf8').length;
  } catch {
    return 0; // not written yet
  }
}

/** End it and its programs at once. */
function killSupervisor(pid: number | undefined): void {
  if (pid === undefined) return;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean);
  for (const each of [pid, ...children.map(Number)]) {
    try {
      process.kill(each, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
}

/** The process whose command line has both the supervisor's file and this data directory. */
function findSupervisor(dataDir: string): number | undefined {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(join('/proc', pid, 'cmdline'), 'utf8').split('\0');
      if (words.includes(dataDir) && words.some((word) => word.endsWith('src/supervisor/main.ts')))
        return Number(pid);
    } catch {
      // It ended while we looked.
    }
  }
  return undefined;
}
