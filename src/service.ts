import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { SupervisorClient } from '../runners/lib/supervisor-client.ts';
import { subprocessRunner } from '../runners/subprocess.ts';
import { addressGuard } from './address-guard.ts';
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import { startDeliveries } from './delivery.ts';
import { InvocationStore } from './invocation-store.ts';
import { createMetrics } from './metrics.ts';
import { baseEnvironment } from './process-environment.ts';
import { startRetention } from './retention.ts';
import { RunEngine } from './run-engine.ts';
import type { Runner } from './runner.ts';

const RETENTION_INTERVAL_MS = 30_000;

export interface ServiceOptions {
  config: Config;
  environment: Readonly<Record<string, string | undefined>>;
  log: Logger;
  /** More runners beside the built-in ones. */
  runners?: readonly Runner[];
}

export interface Service {
  app: FastifyInstance;
  engine: RunEngine;
  /** Stop: what runs is left to the supervisor for the next server, or ended with it. */
  close(how: 'quit' | 'leave'): Promise<void>;
}

/** Everything of one server on one data directory, put together; listening is the caller's. */
export async function createService({ environment, log, ...options }: ServiceOptions): Promise<Service> {
  const config = { ...options.config, dataDir: resolve(options.config.dataDir) };
  mkdirSync(join(config.dataDir, 'runs'), { recursive: true, mode: 0o700 });
  const store = new InvocationStore(join(config.dataDir, 'runwire.db'), {
    fsync: config.fsync === 'on',
    onRollback: (error) => log.error({ err: error }, 'records of a moment could not be stored'),
  });
  const supervisor = new SupervisorClient({
    dataDir: config.dataDir,
    spawn: config.spawn,
    environment: baseEnvironment(environment, []),
  });
  await supervisor.connect();
  const metrics = createMetrics();
  const runners = [subprocessRunner(supervisor), ...(options.runners ?? [])];
  const deliveries = startDeliveries({ store, guard: addressGuard(), log });
  const engine = new RunEngine({
    config,
    store,
    runners,
    log,
    metrics,
    environment,
    onFinished: (id) => deliveries.start(id),
  });
  const app = createApp({ config, engine, metrics, logger: log });
  deliveries.resume();
  const { queued, resumed } = engine.recover();
  if (queued + resumed > 0) log.info({ queued, resumed }, 'took up the runs of an earlier server');
  const retention = startRetention({
    store,
    seconds: config.retentionSeconds,
    count: config.retentionCount,
    bytes: config.retentionBytes,
    removeRun: (id) => engine.remove(id),
    isBusy: (id) => engine.isRead(id),
    intervalMs: RETENTION_INTERVAL_MS,
    onError: (id, error) => log.error({ invocation_id: id, err: error }, 'run could not be removed'),
  });
  return {
    app,
    engine,
    async close(how) {
      await app.close();
      await retention.stop();
      await deliveries.stop();
      await supervisor.close(how);
      metrics.close();
      store.close();
    },
  };
}
