import { cpSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { pino } from 'pino';
import { createApp } from '../../routes/app.ts';
import type { AssetBook } from '../../src/assets/asset-book.ts';
import { StoredAssets } from '../../src/assets/stored-assets.ts';
import { readConfig } from '../../src/config.ts';
import type { Runner } from '../../src/contract/runner.ts';
import { Differences } from '../../src/diff/diff.ts';
import { prepareDataDirectory } from '../../src/disk/data-directory.ts';
import { PrivatePlaces } from '../../src/disk/private-places.ts';
import { type DiskSpace, diskSpace } from '../../src/disk/space.ts';
import type { RuntimeEvent } from '../../src/documents/event.ts';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import { Registry } from '../../src/engine/registry.ts';
import { RunEngine } from '../../src/engine/run-engine.ts';
import { Staging } from '../../src/files/staging.ts';
import { createMetrics } from '../../src/metrics.ts';
import { addressGuard } from '../../src/outbound/address-guard.ts';
import type { SessionRoles } from '../../src/run/session-role.ts';
import { AllSessions } from '../../src/sessions/all-sessions.ts';
import { Hands } from '../../src/snapshots/hands.ts';
import { StoredSpecs } from '../../src/specs/stored-specs.ts';
import { InvocationStore } from '../../src/store/invocation-store.ts';
import type { Sources } from '../../src/workspaces/fill.ts';
import { Spaces } from '../../src/workspaces/spaces.ts';
import { fakeRunner } from './fake-runner.ts';
import { sessionsWith } from './no-sessions.ts';
import { UNBOUNDED } from './unbounded.ts';

export interface EngineTestOptions {
  /** RUNWIRE_… variables. */
  config?: Record<string, string>;
  environment?: Record<string, string | undefined>;
  /** Beside the fake one. */
  runners?: readonly Runner[];
  /** Where workspaces get what is in git. */
  git?: Sources['git'];
  /** A data directory to go on with. */
  dataDir?: string;
  sessions?: SessionRoles;
  assets?: AssetBook;
  /** Of workspaces. Absent: that of the data directory. */
  disk?: DiskSpace;
}

export interface TestEngine extends AsyncDisposable {
  app: FastifyInstance;
  engine: RunEngine;
  workspaces: Spaces;
  sessions: AllSessions;
  specs: StoredSpecs;
  assets: StoredAssets;
  store: InvocationStore;
  dataDir: string;
  post(
    invocation: Record<string, unknown>,
    headers?: Record<string, string>,
    query?: string,
  ): Promise<LightMyRequestResponse>;
  get(path: string, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
  request(options: InjectOptions): Promise<LightMyRequestResponse>;
  /** POST and wait for the finished record. */
  run(invocation: Record<string, unknown>): Promise<RunRecord>;
  /** All events of a run, to its end. */
  events(id: string, after?: number): Promise<RuntimeEvent[]>;
  /** End this engine and leave the data directory as a crash at this moment would, for the next engine. */
  crash(): Promise<string>;
}

/** The engine with its routes, on a data directory of its own, without a supervisor. */
export function buildEngine(options: EngineTestOptions = {}): TestEngine {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'runwire-engine-'));
  const { config } = readConfig({
    RUNWIRE_MIN_FREE_DISK_BYTES: '0',
    ...options.config,
    RUNWIRE_DATA_DIR: dataDir,
  });
  prepareDataDirectory(dataDir);
  const store = new InvocationStore(join(dataDir, 'runwire.db'));
  const log = pino({ level: 'silent' });
  const registry = new Registry([fakeRunner(), ...(options.runners ?? [])]);
  const metrics = createMetrics(
    registry.all.map(({ kind }) => kind),
    UNBOUNDED,
  );
  const places = new PrivatePlaces(dataDir);
  const hands = new Hands(dataDir);
  const workspaces = new Spaces({
    ...{ dataDir, store, hands, places, log },
    disk: options.disk ?? diskSpace(dataDir, config.minFreeDiskBytes),
    maxBytes: config.maxWorkspaceBytes,
    sources: { invocation: (id) => engine.placeOf(id), ...(options.git && { git: options.git }) },
    holderOf: (id) => sessions.holderOf(id),
    snapshotNeededFor: (id) => sessions.needOf(id),
  });
  const disk = options.disk ?? diskSpace(dataDir, config.minFreeDiskBytes);
  const assets = new StoredAssets({
    ...{ dataDir, store, hands, places, disk, log, sync: false, guard: addressGuard(), secrets: new Map() },
    ...{ key: Buffer.alloc(32, 'k'), base: () => 'http://127.0.0.1:7070', maxBytes: config.maxAssetBytes },
    maxFiles: config.maxUploadFiles,
    sweepLater: () => workspaces.snapshots.sweepLater(),
    usedBy: () => sessions.assetsInUse(),
  });
  const specs = new StoredSpecs({
    ...{ store, disk, kinds: registry.all },
    assets: options.assets ?? assets,
    usedElsewhere: () => sessions.specsInUse(),
  });
  const sessions: AllSessions = new AllSessions({
    ...{
      dataDir,
      store,
      spaces: workspaces,
      snapshots: workspaces.snapshots,
      log,
      kinds: registry,
      now: Date.now,
    },
    ...{ disk, specs },
    assets: options.assets ?? assets,
    engine: {
      submit: (input, more) => engine.submit(input, more),
      has: (id) => engine.has(id),
      status: (id) => engine.status(id),
      record: (id) => engine.record(id),
      cancel: (id, grace, by) => engine.cancel(id, grace, by),
      waitFinished: (id, ms, signal) => engine.waitFinished(id, ms, signal),
    },
  });
  const engine: RunEngine = new RunEngine({
    config,
    store,
    specs,
    places,
    workspaces,
    registry,
    log,
    metrics,
    assets: options.assets ?? assets,
    environment: options.environment ?? process.env,
    sessions: options.sessions ? sessionsWith(options.sessions) : sessions.runs,
  });
  const app = createApp({
    ...{
      config,
      engine,
      kept: {
        workspaces,
        sessions,
        snapshots: workspaces.snapshots,
        differences: new Differences(hands),
        specs,
        assets,
      },
      metrics,
      logger: log,
    },
    staging: new Staging(dataDir, { bytes: config.maxUploadBytes, files: config.maxUploadFiles }),
  });
  assets.begin();
  workspaces.begin();
  sessions.hold();
  engine.recover();
  sessions.begin();
  let open = true;
  const close = async (): Promise<void> => {
    open = false;
    await engine.cancelAll({ graceSeconds: 0 });
    await app.close();
    await sessions.close();
    await assets.close();
    await workspaces.close();
    await hands.close();
    metrics.close();
    store.close();
    rmSync(dataDir, { recursive: true, force: true });
  };
  const test: TestEngine = {
    app,
    engine,
    workspaces,
    sessions,
    specs,
    assets,
    store,
    dataDir,
    post: (payload, headers = {}, query = '') =>
      app.inject({ method: 'POST', url: `/invocations${query}`, payload, headers }),
    get: (url, headers = {}) => app.inject({ url, headers }),
    request: (request) => app.inject(request),
    async run(invocation) {
      const response = await test.post(invocation, {}, '?wait=50');
      if (response.statusCode !== 200) throw new Error(`${response.statusCode}: ${response.body}`);
      return response.json() as RunRecord;
    },
    async events(id, after = 0) {
      const { body } = await test.get(`/invocations/${id}/events?after=${after}`, {
        accept: 'application/x-ndjson',
      });
      return body
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as RuntimeEvent);
    },
    async crash() {
      const copy = mkdtempSync(join(tmpdir(), 'runwire-crash-'));
      cpSync(dataDir, copy, { recursive: true });
      await close();
      renameSync(copy, dataDir);
      return dataDir;
    },
    async [Symbol.asyncDispose]() {
      if (open) await close();
    },
  };
  return test;
}
