import type { RunContext } from '../../src/contract/context.ts';
import { CannotBegin, Rejected, type RunnerOutcome } from '../../src/contract/outcome.ts';
import type { Runner } from '../../src/contract/runner.ts';
import type { PrivatePlaces } from '../../src/disk/private-places.ts';
import type { ArtifactCaps } from '../../src/documents/artifact.ts';
import { maySendTo, type Secrets } from '../../src/outbound/secrets.ts';
import { RECONNECT_MS } from './attendance.ts';
import { withOwnOutputs } from './copy-artifacts.ts';
import { DockerDaemon, daemonWords } from './daemon.ts';
import { isKept, keptRecover, keptRun } from './kept-run.ts';
import { OwnContainers } from './own-containers.ts';
import { recoverRun } from './recover.ts';
import { runOnce } from './run.ts';
import { serverIdentity } from './server-identity.ts';
import { SessionContainers } from './session-containers.ts';
import { DockerSpec } from './spec.ts';
import { VisitingFiles } from './visiting.ts';
import { mountsOf, seenInside } from './workspace.ts';

export interface DockerParts {
  config: {
    /** The server's own directory, absolute: the server's identity is kept in it. */
    dataDir: string;
    /** DOCKER_HOST and where its TLS files are. */
    dockerHost: string | null;
    dockerCertPath: string | null;
    /** Directories of this machine of which runs may mount, absolute. */
    dockerMountRoots: readonly string[];
  };
  /** None of them is mounted or written to. */
  places: PrivatePlaces;
  artifactCaps: ArtifactCaps;
  /** For registries. */
  secrets: Secrets;
  /** How long a daemon that goes away in mid-run is waited for, ms. */
  reconnectMs?: number;
}

/** A program in a container of a Docker daemon. See docs/runners/docker.md. */
export function dockerRunner(parts: DockerParts): Runner<DockerSpec> {
  const { config, places, artifactCaps, secrets, reconnectMs = RECONNECT_MS } = parts;
  const { dataDir, dockerMountRoots: mountRoots } = config;
  const daemon = new DockerDaemon({ host: config.dockerHost, certPath: config.dockerCertPath });
  const identity = serverIdentity(dataDir);
  const own = new OwnContainers(daemon, identity);
  const sessions = new SessionContainers(daemon, identity);
  const closed = new AbortController();
  const secret = (name: string, host: string): string | undefined => {
    const held = secrets.get(name);
    return held && maySendTo(held, host) ? held.value : undefined;
  };
  const tools = {
    daemon,
    identity,
    own,
    sessions,
    visiting: new VisitingFiles(daemon),
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
      return withOwnOutputs(await work(ctx), ctx);
    } catch (error) {
      const known = error instanceof Rejected || error instanceof CannotBegin;
      throw known ? error : new Error(daemonWords(error), { cause: error });
    } finally {
      own.active.delete(id);
    }
  };
  return {
    kind: 'docker',
    rxpKind: 'container',
    aliases: ['container'],
    name: 'Docker',
    description:
      'A program in a container of a Docker engine, without capabilities and without a network unless asked for.',
    spec: DockerSpec,
    needsCommand: false,
    captures: true,
    confined: true,
    // An engine at a socket of this machine has its files.
    copiesWorkspace: ({ mount_workspace }) => !(mount_workspace ?? daemon.socketPath !== null),
    available: () => daemon.silence(),
    mounts: mountsOf,
    setsUp: true,
    noTerminal: () => null,
    given: { by: 'runner', root: '' },
    seenAt: seenInside,
    sessions,
    run: (ctx) => inHands(ctx, (context) => (isKept(ctx) ? keptRun : runOnce)(tools, context)),
    recover: (ctx) => inHands(ctx, (context) => (isKept(ctx) ? keptRecover : recoverRun)(tools, context)),
    start: (isUnfinished, isOpenSession) => void own.sweep({ isUnfinished, isOpenSession }),
    close() {
      closed.abort();
      own.close();
    },
  };
}
