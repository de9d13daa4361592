import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { Runwire } from '../../client/runwire.ts';
import { type ServerProcess, startServer } from './server-process.ts';

export const TOKEN = 'token-of-the-server';

/** A real server with a token for all tests of a suite, and a client of it. To be called inside of `describe`, or at the top of a file. */
export function clientServer(variables: Record<string, string> = {}): {
  readonly rw: Runwire;
  readonly url: string;
} {
  let dataDir: string;
  let server: ServerProcess;
  let rw: Runwire;
  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'runwire-client-'));
    server = await startServer(dataDir, {
      RUNWIRE_TOKEN: TOKEN,
      RUNWIRE_LOG_LEVEL: 'error',
      ...variables,
    });
    rw = new Runwire({ url: server.address, token: TOKEN });
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return {
    get rw() {
      return rw;
    },
    get url() {
      return server.address;
    },
  };
}

/** A program of the shell. */
export const sh = (script: string, options?: object) => ({
  runtime_kind: 'subprocess',
  command: ['sh', '-c', script],
  ...(options && { options }),
});

/** All that comes. */
export async function all<T>(things: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const thing of things) seen.push(thing);
  return seen;
}
