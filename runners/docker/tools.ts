import type { PrivatePlaces } from '../../src/disk/private-places.ts';
import type { ArtifactCaps } from '../../src/documents/artifact.ts';
import type { DockerDaemon } from './daemon.ts';
import type { OwnContainers } from './own-containers.ts';
import type { ServerIdentity } from './server-identity.ts';
import type { SessionContainers } from './session-containers.ts';
import type { VisitingFiles } from './visiting.ts';

/** What all runs of one server share. */
export interface RunTools {
  daemon: DockerDaemon;
  identity: ServerIdentity;
  own: OwnContainers;
  sessions: SessionContainers;
  visiting: VisitingFiles;
  /** None of them is mounted or written to. */
  places: PrivatePlaces;
  mountRoots: readonly string[];
  artifactCaps: ArtifactCaps;
  secret: (name: string, host: string) => string | undefined;
  reconnectMs: number;
  /** Aborted when this process lets go of its runs. */
  closed: AbortSignal;
}
