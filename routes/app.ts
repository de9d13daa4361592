import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { Config } from '../src/config.ts';
import { RunwireError } from '../src/documents/errors.ts';
import type { Engine } from '../src/engine/engine.ts';
import type { Staging } from '../src/files/staging.ts';
import type { Metrics } from '../src/metrics.ts';
import { addressOf } from '../src/platform/own-address.ts';
import { openFilesLimit } from '../src/platform/own-limits.ts';
import { answerBrokenRequest, watchConnections } from './answers/broken-request.ts';
import type { Edge, Kept, Routes } from './answers/edge.ts';
import { Exchanges } from './answers/exchanges.ts';
import { lingerOnClose } from './answers/lingering-close.ts';
import { type ErrorLog, problemHandler } from './answers/problem.ts';
import { Proofs } from './answers/proofs.ts';
import { Sockets } from './answers/sockets.ts';
import { artifactsRoutes } from './artifacts.ts';
import { assetsRoutes } from './assets.ts';
import { callbackRoutes } from './callback.ts';
import { cancelRoutes } from './cancel.ts';
import { claimedFilesRoutes } from './claimed-files.ts';
import { diffsRoutes } from './diffs.ts';
import { documentation } from './documentation.ts';
import { environmentSpecsRoutes } from './environment-specs.ts';
import { eventsRoutes } from './events.ts';
import { filesRoutes } from './files.ts';
import { healthRoutes } from './health.ts';
import { invocationsRoutes } from './invocations.ts';
import { mcpRoutes } from './mcp.ts';
import { metricsRoutes } from './metrics.ts';
import { capturesRoutes } from './output.ts';
import { pagesRoutes } from './pages.ts';
import { declaredAccess } from './requests/access.ts';
import { expectBodiesWithin } from './requests/body-deadline.ts';
import { forgetBrokenType, refuseContent, refuseFraming } from './requests/content.ts';
import { onDropped } from './requests/dropped-connections.ts';
import { continueLate } from './requests/expectation.ts';
import { createGuard } from './requests/guard.ts';
import { answerInTurn } from './requests/in-turn.ts';
import { onlyJsonBodies } from './requests/json-body.ts';
import { KnownPaths, nothingHere } from './requests/known-paths.ts';
import { heedPreconditions } from './requests/preconditions.ts';
import { declaredQuery } from './requests/query.ts';
import { dropStalledClients } from './requests/stalled-clients.ts';
import { judgeTarget, MAX_TARGET_LENGTH, targetOf } from './requests/target.ts';
import { endAfterUpgrade, isForUpgrade, takeUpgrades } from './requests/upgrades.ts';
import { validatorCompiler } from './requests/validation.ts';
import { holdsClaim } from './requests/worker-token.ts';
import { rootRoutes } from './root.ts';
import { runtimesRoutes } from './runtimes.ts';
import { sessionsRoutes } from './sessions.ts';
import { signalsRoutes } from './signals.ts';
import { snapshotsRoutes } from './snapshots.ts';
import { stdinRoutes } from './stdin.ts';
import { terminalRoutes } from './terminal.ts';
import { workerRoutes } from './workers.ts';
import { workspaceFilesRoutes } from './workspace-files.ts';
import { workspaceSnapshotsRoutes } from './workspace-snapshots.ts';
import { workspacesRoutes } from './workspaces.ts';

/** The resources of the server. */
const ROUTES: readonly Routes[] = [
  rootRoutes,
  invocationsRoutes,
  eventsRoutes,
  capturesRoutes,
  stdinRoutes,
  terminalRoutes,
  signalsRoutes,
  cancelRoutes,
  callbackRoutes,
  artifactsRoutes,
  filesRoutes,
  workspacesRoutes,
  workspaceFilesRoutes,
  workspaceSnapshotsRoutes,
  snapshotsRoutes,
  diffsRoutes,
  environmentSpecsRoutes,
  assetsRoutes,
  sessionsRoutes,
  workerRoutes,
  claimedFilesRoutes,
  runtimesRoutes,
  healthRoutes,
  metricsRoutes,
  mcpRoutes,
  pagesRoutes,
];

export interface AppParts {
  config: Pick<
    Config,
    | ('host' | 'token' | 'allowedHosts' | 'publicUrl' | 'stalledClientSeconds' | 'fsync')
    | ('maxBodyBytes' | 'maxUploadBytes' | 'maxUploadFiles' | 'maxAssetBytes')
  >;
  engine: Engine;
  kept: Kept;
  metrics: Metrics;
  staging: Staging;
  /** Where the server's own faults are told. Requests are not logged: the engine logs a line a run. */
  logger?: ErrorLog;
  /** How long a request may take to arrive. */
  deadlines?: Deadlines;
}

interface Deadlines {
  headersMs: number;
  /** From the header to the last byte, where the body is not passed on as it comes. */
  bodyMs: number;
  /** How often headers are looked after. */
  lookMs: number;
}

/** Of target and header together. */
const MAX_HEADER_BYTES = 2 * MAX_TARGET_LENGTH;

/** An id of any length that a request line may have is unknown, not malformed. */
const ROUTER = { maxParamLength: MAX_TARGET_LENGTH };

/** Connections that are still used when the server stops have so long to come to an end. */
const CLOSE_PATIENCE_MS = 5000;

const CROWDED =
  'connections are closed unanswered: as many are open as may be, a third of the open files (ulimit -n, LimitNOFILE=, --ulimit nofile=)';

const DEADLINES: Deadlines = { headersMs: 60_000, bodyMs: 300_000, lookMs: 15_000 };

/**
 * The HTTP side of the server, ready for inject() or listen(). close() ends open streams and waits
 * cleanly and answers late requests with 503 draining; runs are the engine's business.
 */
export function createApp(parts: AppParts): FastifyInstance {
  const { config, engine, kept, metrics, logger } = parts;
  const deadlines = parts.deadlines ?? DEADLINES;
  const answerError = problemHandler(logger, engine.kinds);
  const app = fastify({
    logger: false,
    // The guard refuses it, with a problem document; Node would with nothing.
    http: {
      requireHostHeader: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: deadlines.headersMs,
      connectionsCheckingInterval: deadlines.lookMs,
      shouldUpgradeCallback: isForUpgrade,
    },
    bodyLimit: config.maxBodyBytes,
    return503OnClosing: false,
    rewriteUrl: judgeTarget,
    routerOptions: ROUTER,
    frameworkErrors: (error, request, reply) => answerError(error, request, reply as FastifyReply),
    clientErrorHandler: answerBrokenRequest,
  });
  const edge: Edge = {
    ...kept,
    ...{ engine, metrics, staging: parts.staging, maxBodyBytes: config.maxBodyBytes },
    maxAssetBytes: config.maxAssetBytes,
    uploadCaps: { bytes: config.maxUploadBytes, files: config.maxUploadFiles },
    sync: config.fsync === 'on',
    exchanges: new Exchanges(logger),
    sockets: new Sockets(),
    proofs: new Proofs(),
    ownAddress: () => addressOf(app.server, { host: config.host, port: 0 }),
    onError: (err) => logger?.error({ err }, 'request failed'),
  };
  const guard = createGuard(config, (id, token) => holdsClaim(engine, id, token));
  const paths = new KnownPaths(ROUTER);
  let closing = false;

  // Who has said its last word may still wait for the answer: see half-closed.ts.
  Object.assign(app.server, { httpAllowHalfOpen: true });
  const stopLooking = dropStalledClients(app.server, {
    patienceMs: config.stalledClientSeconds * 1000,
    onDrop: () => metrics.clientStalled(),
    onError: (err) => logger?.error({ err }, 'connections could not be looked at'),
  });
  // Each of them may need three files more, of the run that it reads.
  app.server.maxConnections = Math.max(16, Math.floor((openFilesLimit() - 100) / 3));
  onDropped(app.server, (facts) => logger?.error(facts, CROWDED));
  // Node would pass the 2001st over in silence; their size is bounded.
  app.server.maxHeadersCount = 0;
  watchConnections(app.server);
  const endUpgraded = takeUpgrades(app.server);
  lingerOnClose(app.server);
  // Beside 100-continue none is known; they may be passed over (RFC 9110, 10.1.1).
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  app.setValidatorCompiler(validatorCompiler(engine.kinds));
  app.setSerializerCompiler(() => JSON.stringify);
  app.setErrorHandler(answerError);
  // A path that is none is refused below, before its body is read: this is what the handler of a route finds missing.
  app.setNotFoundHandler(() => {
    throw nothingHere();
  });
  onlyJsonBodies(app);
  answerInTurn(app);
  continueLate(app, config);
  expectBodiesWithin(app, deadlines.bodyMs);
  app.decorateRequest('isTrusted', false);
  declaredAccess(app);
  declaredQuery(app);
  paths.watch(app);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-content-type-options', 'nosniff');
    reply.header('cache-control', 'no-store');
    refuseFraming(request, reply);
    endAfterUpgrade(request, reply);
    guard(request);
    if (closing) throw new RunwireError('draining', 'The server is shutting down.', { retryAfterSeconds: 1 });
    const { isServer } = targetOf(request.raw);
    if (request.is404 || isServer)
      throw paths.refusal(request.method, isServer ? null : request.url, (methods) =>
        reply.header('allow', methods),
      );
    forgetBrokenType(request);
    refuseContent(request, reply);
    done();
  });
  heedPreconditions(app, (params) => {
    const { id, ...of } = params as { id?: string; workspace_id?: string; session_id?: string };
    return (
      (id === undefined || engine.has(id)) &&
      (of.workspace_id === undefined || isThere(kept.workspaces, of.workspace_id)) &&
      (of.session_id === undefined || isThere(kept.sessions, of.session_id))
    );
  });
  app.addHook('preClose', (done) => {
    closing = true;
    stopLooking();
    edge.exchanges.close();
    edge.sockets.close();
    // What has not come, or is not taken, by then: a request that is half sent ends in no other way.
    setTimeout(() => {
      app.server.closeAllConnections();
      endUpgraded();
    }, CLOSE_PATIENCE_MS).unref();
    done();
  });

  documentation(app, engine.kinds);
  app.register(async (scope) => {
    for (const routes of ROUTES) routes(scope, edge);
  });
  return app;
}

function isThere(all: { get(id: string): unknown }, id: string): boolean {
  try {
    all.get(id);
    return true;
  } catch {
    return false; // there is none, or not any more: its route says so
  }
}
