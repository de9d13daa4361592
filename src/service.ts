import { join, resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { createApp } from '../routes/app.ts';
import { builtInRunners } from '../runners/index.ts';
import type { Dispatcher } from '../runners/manual/dispatcher.ts';
import { StoredAssets } from './assets/stored-assets.ts';
import { type Config, privateFiles } from './config.ts';
import type { Runner } from './contract/runner.ts';
import { Differences } from './diff/diff.ts';
import {
  holdDataDirectory,
  inDataDirectory,
  openToOthers,
  prepareDataDirectory,
} from './disk/data-directory.ts';
import { defaultsOf } from './disk/made-with.ts';
import { doubtfulRoots } from './disk/mount-roots.ts';
import { PrivatePlaces } from './disk/private-places.ts';
import { type DiskSpace, diskSpace, fileSystemSizes } from './disk/space.ts';
import { isFinal } from './documents/result.ts';
import { placesFor } from './engine/places-for-files.ts';
import { Registry } from './engine/registry.ts';
import { RunEngine } from './engine/run-engine.ts';
import { Staging } from './files/staging.ts';
import { GitSource } from './git/source.ts';
import { createMetrics } from './metrics.ts';
import { type AddressGuard, addressGuard } from './outbound/address-guard.ts';
import { readSecrets, type Secrets } from './outbound/secrets.ts';
import { bootId } from './platform/boot.ts';
import { keptKey } from './platform/kept-key.ts';
import { addressOf } from './platform/own-address.ts';
import { openFilesLimit } from './platform/own-limits.ts';
import { ageClock } from './retention/age-clock.ts';
import { limitsInForce } from './retention/limits.ts';
import { startRetention } from './retention/retention.ts';
import { callbackAddresses } from './run/callback-address.ts';
import { baseEnvironment } from './run/process-environment.ts';
import { AllSessions } from './sessions/all-sessions.ts';
import { Hands } from './snapshots/hands.ts';
import { StoredSpecs } from './specs/stored-specs.ts';
import { InvocationStore } from './store/invocation-store.ts';
import { writeUntilStored } from './store/lasting-write.ts';
import { SupervisorClient } from './supervisor/client/client.ts';
import { openTraces } from './traces/traces.ts';
import { startDeliveries } from './webhooks/deliveries.ts';
import { Spaces, type SpacesParts } from './workspaces/spaces.ts';

// What a program that embeds Runwire needs beside createService().
export type { Dispatcher } from '../runners/manual/dispatcher.ts';
export { type Config, ConfigError, readConfig } from './config.ts';
export type { Runner } from './contract/runner.ts';

const RETENTION_INTERVAL_MS = 30_000;
/** No ttl_seconds is longer. */
const LONGEST_TTL_MS = 1e12;

export interface ServiceOptions {
  config: Config;
  environment: Readonly<Record<string, string | undefined>>;
  log: Logger;
  /** More runners beside the built-in ones. */
  runners?: readonly Runner[];
  /** Functions of this program that do manual runs, by the name that `options.manual.dispatcher` gives. */
  dispatchers?: Readonly<Record<string, Dispatcher>>;
}

export interface Service {
  app: FastifyInstance;
  engine: RunEngine;
  workspaces: Spaces;
  sessions: AllSessions;
  /** Stop: what runs is left to the supervisor for the next server, or ended with it. */
  close(how: 'quit' | 'leave'): Promise<void>;
}

/**
 * Everything of one server on one data directory, put together; listening is the caller's. Throws, having started
 * nothing, where two runners have one word, and where the configuration cannot be done.
 */
export async function createService({ environment, log, ...options }: ServiceOptions): Promise<Service> {
  const config = {
    ...options.config,
    dataDir: resolve(options.config.dataDir),
    allowedHosts: [...options.config.allowedHosts, ...hostOf(options.config.publicUrl)],
    ...placesFor(options.config, openFilesLimit(), log),
  };
  const guard = addressGuard({ allow: config.httpAllow, deny: config.httpDeny });
  const supervisor = new SupervisorClient({
    dataDir: config.dataDir,
    spawn: config.spawn,
    environment: baseEnvironment(environment, ['NODE_COMPILE_CACHE']),
  });
  const places = new PrivatePlaces(config.dataDir, privateFiles(config));
  const parts = {
    config,
    artifactCaps: {
      fileBytes: config.maxArtifactBytes,
      totalBytes: config.maxArtifactsBytes,
      count: config.maxArtifactsCount,
    },
    guard,
    secrets: readSecrets(environment, config.secretsFile),
    places,
    supervisor,
    dispatchers: options.dispatchers ?? {},
  };
  const registry = new Registry([...builtInRunners(parts), ...(options.runners ?? [])]);
  inDataDirectory(() => prepareDataDirectory(config.dataDir));
  const open = openToOthers(config.dataDir);
  if (open !== null) log.warn(open);
  for (const { root, words } of doubtfulRoots(config.dockerMountRoots, places))
    log.warn({ root }, `RUNWIRE_DOCKER_MOUNT_ROOTS: ${words}`);
  const disk = diskSpace(config.dataDir, config.minFreeDiskBytes, (shortage, err) => {
    if (shortage === null) log.info('the storage takes new runs again');
    else log.error({ shortage, err }, 'the storage takes no new runs');
  });
  const letGo = await holdDataDirectory(config.dataDir);
  const store = openStore(config, disk, log, letGo);
  const boot = bootId();
  const noteBoot = boot === null ? null : store.noteBoot(boot);
  if (noteBoot) void writeUntilStored(store, noteBoot);
  const limits = keptLimits(config, log);
  const metrics = createMetrics(
    registry.all.map(({ kind }) => kind),
    { outputBytes: config.maxOutputBytes, retention: limits },
  );
  const key = keptKey(join(config.dataDir, 'callback.key'));
  const { secrets } = parts;
  const traces = await openTraces({ environment, key, log, secrets, onEnded: metrics.spansEnded });
  await supervisor.connect();
  const deliveries = startDeliveries({ store, guard, log });
  const sync = config.fsync === 'on';
  const hands = new Hands(config.dataDir, { fsync: sync });
  const workspaces = new Spaces({
    ...{ dataDir: config.dataDir, store, hands, places, disk, log },
    maxBytes: config.maxWorkspaceBytes,
    now: ageClock(LONGEST_TTL_MS),
    sources: { invocation: (id) => engine.placeOf(id), ...gitSources(parts, environment, log) },
    holderOf: (id) => holderWords(sessions.holderOf(id)),
    snapshotNeededFor: (id) => sessions.needOf(id),
  });
  const base = () => config.publicUrl ?? addressOf(app.server, config);
  const assets = new StoredAssets({
    ...{ dataDir: config.dataDir, store, hands, places, disk, log, sync, key, base },
    ...{ guard, secrets: parts.secrets, maxBytes: config.maxAssetBytes, maxFiles: config.maxUploadFiles },
    sweepLater: () => workspaces.snapshots.sweepLater(),
    usedBy: () => sessions.assetsInUse(),
  });
  const specs = new StoredSpecs({
    ...{ store, disk, kinds: registry.all, assets },
    usedElsewhere: () => sessions.specsInUse(),
  });
  const sessions: AllSessions = new AllSessions({
    ...{ dataDir: config.dataDir, store, spaces: workspaces, snapshots: workspaces.snapshots, disk, log },
    ...{ kinds: registry, specs, assets },
    now: ageClock(LONGEST_TTL_MS),
    engine: {
      submit: (input, options) => engine.submit(input, options),
      has: (id) => engine.has(id),
      status: (id) => engine.status(id),
      record: (id) => engine.record(id),
      cancel: (id, grace, by) => engine.cancel(id, grace, by),
      waitFinished: (id, ms, signal) => engine.waitFinished(id, ms, signal),
    },
  });
  const engine: RunEngine = new RunEngine({
    ...{ config, store, workspaces, specs, assets, disk, places, registry, log, metrics, environment },
    traces,
    sessions: sessions.runs,
    callbacks: callbackAddresses(key, base),
    onFinished: (id) => deliveries.start(id),
  });
  const uploadCaps = { bytes: config.maxUploadBytes, files: config.maxUploadFiles };
  const staging = new Staging(config.dataDir, uploadCaps, sync);
  void staging.sweep().then(
    (count) => count > 0 && log.info({ count }, 'uploads that a crash interrupted were removed'),
    (err) => log.warn({ err }, 'sweep of uploads'),
  );
  const app = createApp({
    config,
    engine,
    kept: {
      workspaces,
      sessions,
      snapshots: workspaces.snapshots,
      differences: new Differences(hands),
      ...{ specs, assets },
    },
    metrics,
    staging,
    logger: log,
  });
  deliveries.resume();
  assets.begin();
  workspaces.begin();
  sessions.hold();
  engine.recover();
  sessions.begin();
  const isUnfinished = (id: string): boolean => engine.has(id) && !isFinal(engine.status(id));
  specs.sweep();
  supervisor.endStrangers(isUnfinished);
  registry.start(isUnfinished, (id, generation) => sessions.isOpen(id, generation));
  const retention = startRetention({
    ...limits,
    store,
    removeRun: (id) => engine.remove(id, 'retention'),
    isBusy: (id) =>
      engine.isRead(id) ||
      engine.isNeeded(id) ||
      sessions.runs.keeps(id) !== null ||
      workspaces.filledFromRun(id) !== null,
    intervalMs: RETENTION_INTERVAL_MS,
    onError: (id, error) => log.error({ invocation_id: id, err: error }, 'run could not be removed'),
  });
  return {
    app,
    engine,
    workspaces,
    sessions,
    async close(how) {
      await app.close();
      await retention.stop();
      await deliveries.stop();
      await sessions.close();
      await registry.close();
      await assets.close();
      await workspaces.close();
      await hands.close();
      await supervisor.close(how);
      await traces.close();
      metrics.close();
      store.close();
      letGo();
    },
  };
}

function openStore(config: Config, disk: DiskSpace, log: Logger, letGo: () => void): InvocationStore {
  try {
    return inDataDirectory(
      () =>
        new InvocationStore(join(config.dataDir, 'runwire.db'), {
          fsync: config.fsync === 'on',
          onRollback: (error) => disk.failed(error),
          onDelay: (error) => disk.failed(error),
          onTorn: (bytes) => log.warn({ bytes }, 'a write that a crash interrupted was cut off'),
        }),
    );
  } catch (error) {
    letGo();
    throw error;
  }
}

/** What is kept of finished runs, which is told. */
function keptLimits(config: Config, log: Logger): ReturnType<typeof limitsInForce> {
  const { dataDir, maxOutputBytes } = config;
  let defaults = 0;
  try {
    defaults = defaultsOf(dataDir);
  } catch (err) {
    log.warn(
      { err },
      'the data directory does not tell its defaults: finished runs are bounded as they are set',
    );
  }
  const limits = limitsInForce(config, defaults, fileSystemSizes(dataDir)?.total ?? null);
  const { seconds, count, bytes } = limits;
  const isBounded = seconds !== null || count !== null || bytes !== null;
  log.info(
    { seconds, runs: count, bytes, output_bytes: maxOutputBytes },
    isBounded
      ? 'finished runs are kept within these limits'
      : 'finished runs are kept for ever, and nothing bounds them',
  );
  return limits;
}

const holderWords = (session: string | null): string | null =>
  session === null ? null : `that of the session ${session}: delete or reset that`;

function hostOf(url: string | null): string[] {
  return url === null ? [] : [new URL(url).hostname];
}

function gitSources(
  { config, guard, secrets }: { config: Config; guard: AddressGuard; secrets: Secrets },
  environment: ServiceOptions['environment'],
  log: Logger,
): Pick<SpacesParts['sources'], 'git' | 'checkGit'> {
  const { gitTimeoutSeconds: timeoutSeconds, maxUploadFiles: maxFiles } = config;
  const source = new GitSource({ guard, secrets, path: environment.PATH ?? '', timeoutSeconds, maxFiles });
  return {
    git: (from, directory, signal, room) =>
      source.fill(from, { ...room, directory, signal, log: (words) => log.warn(words) }),
    checkGit: (from) => source.check(from),
  };
}
