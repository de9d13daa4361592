import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { readConfig } from '../../src/config.ts';
import type { Runner } from '../../src/contract/runner.ts';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import { createService, type Service, type ServiceOptions } from '../../src/service.ts';

export interface BuildOptions {
  /** RUNWIRE_… variables. */
  config?: Record<string, string>;
  /** The environment programs get their part of. */
  environment?: Record<string, string | undefined>;
  runners?: readonly Runner[];
  dispatchers?: ServiceOptions['dispatchers'];
  /** Default: silent. */
  log?: ServiceOptions['log'];
  /** A data directory to go on with; it is not removed then. */
  dataDir?: string;
}

export interface BuiltApp extends Service {
  dataDir: string;
  /** POST an invocation and wait for its finished record. */
  run(invocation: Record<string, unknown>): Promise<RunRecord>;
  /** Listen on a free loopback port; the address without a slash at the end. */
  listen(): Promise<string>;
  /** Stop everything and remove the data directory. */
  end(): Promise<void>;
}

/** A whole server on a data directory of its own, as the process would build it. */
export async function buildApp(options: BuildOptions = {}): Promise<BuiltApp> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'runwire-test-'));
  const { config } = readConfig({
    RUNWIRE_MIN_FREE_DISK_BYTES: '0',
    ...options.config,
    RUNWIRE_DATA_DIR: dataDir,
  });
  const service = await createService({
    config,
    environment: options.environment ?? process.env,
    log: options.log ?? pino({ level: 'silent' }),
    runners: options.runners ?? [],
    dispatchers: options.dispatchers ?? {},
  });
  return {
    ...service,
    dataDir,
    async run(invocation) {
      const response = await service.app.inject({
        method: 'POST',
        url: '/invocations?wait=50',
        payload: invocation,
      });
      if (response.statusCode !== 200) throw new Error(`${response.statusCode}: ${response.body}`);
      return response.json() as RunRecord;
    },
    async listen() {
      await service.app.listen({ host: '127.0.0.1', port: 0 });
      const { port } = service.app.server.address() as AddressInfo; // listening on TCP
      return `http://127.0.0.1:${port}`;
    },
    async end() {
      await service.engine.cancelAll({ graceSeconds: 0 });
      await service.close('quit');
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
