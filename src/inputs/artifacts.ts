import type { Stats } from 'node:fs';
import type { ArtifactDescriptor } from '../documents/artifact.ts';

/** Artifacts of the runs of this server. */
export interface ArtifactsOfRuns {
  /** Throws RunwireError where there is none. */
  artifactPath(
    run: string,
    artifact: string,
  ): {
    descriptor: ArtifactDescriptor;
    file: string;
    isPrivate: (stats: Stats, descriptor: number) => boolean;
  };
  /** Until `read` settles its files stay. */
  reading<T>(run: string, read: () => Promise<T>): Promise<T>;
}
