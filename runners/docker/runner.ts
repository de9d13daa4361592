import type { RunContext } from '../../src/contract/context.ts';
import { Rejected, type RunnerOutcome } from '../../src/contract/outcome.ts';
import type { Runner } from '../../src/contract/runner.ts';
import type { PrivatePlaces } from '../../src/disk/private-places.ts';
import type { ArtifactCaps } from '../../src/documents/artifact.ts';
import { RECONNECT_MS } from './attendance.ts';
import { DockerEngine, type EngineAddress, engineWords } from './daemon.ts';
import { recoverRun } from './recover.ts';
import { OwnContainers } from './remove.ts';
import { runOnce } from './run.ts';
import { serverIdentity } from './server-identity.ts';
import { DockerSpec } from './spec.ts';

export interface DockerRunnerOptions {
  /** DOCKER_HOST and where its TLS files are. */
  engine: EngineAddress;
  /** The server's own directory, absolute: the server's identity is kept in it. */
  dataDir: string;
  /** None of them is mounted or written to. */
  places: PrivatePlaces;
  /** Directories of this machine of which runs may mount (RUNWIRE_DOCKER_MOUNT_ROOTS), absolute. */
  mountRoots: readonly string[];
  artifactCaps: ArtifactCaps;
  /** A secret that the server holds, for a registry of this host; undefined when there is none or it may not go there. */
  secret: (name: string, host: string) => string | undefined;
  /** How long an engine that goes away in mid-run is waited for, ms. */
  reconnectMs?: number;
}

export interface DockerRunner extends Runner<DockerSpec> {
  /** Remove what an earlier server of this data directory left; `keep`: is the run of this id not over. Returns how many. */
  sweep(keep: (invocationId: string) => boolean): Promise<number>;
  /** Let go of the running containers, for the next server. */
  close(): void;
}

/** A program in a container of a Docker engine. See docs/runners/docker.md. */
export function dockerRunner(options: DockerRunnerOptions): DockerRunner {
  const { dataDir, places, mountRoots, artifactCaps, secret, reconnectMs = RECONNECT_MS } = options;
  const engine = new DockerEngine(options.engine);
  const identity = serverIdentity(dataDir);
  const own = new OwnContainers(engine, identity);
  const closed = new AbortController();
  const tools = {
    engine,
    identity,
    own,
    places,
    mountRoots,
    artifactCaps,
    secret,
    reconnectMs,
    closed: closed.signal,
  };
  const inHands = async (
    ctx: RunContext<DockerSpec>,
    work: (ctx: RunContext<DockerSpec>) => Promise<RunnerOutcome>,
  ): Promise<RunnerOutcome> => {
    const id = ctx.invocation.invocation_id;
    own.active.add(id);
    try {
      return await work(ctx);
    } catch (error) {
      throw error instanceof Rejected ? error : new Error(engineWords(error), { cause: error });
    } finally {
      own.active.delete(id);
    }
  };
  return {
    kind: 'docker',
    name: 'Docker',
    description:
      'A program in a container of a Docker engine, without capabilities and without a network unless asked for.',
    spec: DockerSpec,
    needsCommand: false,
    captures: true,
    confined: true,
    available: () => engine.silence(),
    run: (ctx) => inHands(ctx, (context) => runOnce(tools, context)),
    recover: (ctx) => inHands(ctx, (context) => recoverRun(tools, context)),
    sweep: (keep) => own.sweep(keep),
    close() {
      closed.abort();
      own.close();
    },
  };
}
