import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { type AppParts, createApp } from '../../routes/app.ts';
import { type Config, readConfig } from '../../src/config.ts';
import { Staging } from '../../src/files/staging.ts';
import { createMetrics, type Metrics } from '../../src/metrics.ts';
import { StubEngine } from './stub-engine.ts';
import { StubWorkspaces } from './stub-workspaces.ts';
import { UNBOUNDED } from './unbounded.ts';

export interface StubApp extends AsyncDisposable {
  app: FastifyInstance;
  engine: StubEngine;
  workspaces: StubWorkspaces;
  metrics: Metrics;
  /** What was told to the server's log. */
  logged: object[];
  /** Starts a run that goes on until the test ends it. */
  start(id: string): Promise<string>;
  /** Listens on a free port; the address, without a slash at the end. */
  listen(): Promise<string>;
}

/** The HTTP side on a stub engine. `await using` closes it and removes its files. */
export function stubApp(changes: Partial<Config> = {}, deadlines?: AppParts['deadlines']): StubApp {
  const engine = new StubEngine();
  const place = join(tmpdir(), `runwire-stub-${randomUUID()}`);
  const workspaces = new StubWorkspaces(place);
  const metrics = createMetrics(
    engine.kinds.map(({ kind }) => kind),
    UNBOUNDED,
  );
  const logged: object[] = [];
  const app = createApp({
    config: { ...readConfig({}).config, ...changes },
    engine,
    kept: workspaces.kept,
    metrics,
    staging: new Staging(place, { bytes: 1e6, files: 100 }),
    logger: { error: (facts: object) => logged.push(facts) },
    ...(deadlines && { deadlines }),
  });
  return {
    app,
    engine,
    workspaces,
    metrics,
    logged,
    async start(id) {
      await engine.submit({ runtime_kind: 'subprocess', command: ['hold'], invocation_id: id }).stored;
      return id;
    },
    async listen() {
      await app.listen({ port: 0, host: '127.0.0.1' });
      return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
    },
    async [Symbol.asyncDispose]() {
      await app.close();
      metrics.close();
      engine.dispose();
      rmSync(place, { recursive: true, force: true });
    },
  };
}
