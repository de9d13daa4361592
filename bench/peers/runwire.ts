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
): Promise<RunwireServer> {
  const server = resolve(import.meta.dirname, '../../src/server.ts');
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('RUNWIRE_'));
  const env = {
    ...Object.fromEntries(inherited),
    RUNWIRE_HOST: '127.0.0.1',
    RUNWIRE_PORT: '0',
    RUNWIRE_DATA_DIR: dataDir,
    ...settings,
  };
  const child = start([process.execPath, server], log, env);
  const port = await until(child, log, async () => {
    const address = /http:\/\/127\.0\.0\.1:(\d+)/.exec(readFileSync(log, 'utf8'))?.[1];
    return address === undefined ? undefined : Number(address);
  });
  const supervisorPid = () => findSupervisor(dataDir);
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
        process.kill(supervisor, 'SIGKILL');
      }
    },
  };
}

/** The process whose command line, or environment, has both the supervisor's file and this data directory. */
function findSupervisor(dataDir: string): number | undefined {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(join('/proc', pid, 'cmdline'), 'utf8');
      if (!command.includes('src/supervisor/main.ts')) continue;
      if (
        command.includes(dataDir) ||
        readFileSync(join('/proc', pid, 'environ'), 'utf8').includes(dataDir)
      ) {
        return Number(pid);
      }
    } catch {
      // It ended while we looked.
    }
  }
  return undefined;
}
