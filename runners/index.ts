import type { Config } from '../src/config.ts';
import type { Runner } from '../src/contract/runner.ts';
import type { PrivatePlaces } from '../src/disk/private-places.ts';
import type { ArtifactCaps } from '../src/documents/artifact.ts';
import type { AddressGuard } from '../src/outbound/address-guard.ts';
import type { Secrets } from '../src/outbound/secrets.ts';
import type { SupervisorClient } from '../src/supervisor/client/client.ts';
import { dockerRunner } from './docker/runner.ts';
import { httpRunner } from './http/runner.ts';
import { httpAsyncRunner } from './http-async/runner.ts';
import type { Dispatcher } from './manual/dispatcher.ts';
import { manualRunner } from './manual/runner.ts';
import { subprocessRunner } from './subprocess/runner.ts';

/** What a server has for its runners: each takes the parts it names, and reads no environment. */
export interface RunnerParts {
  config: Config;
  artifactCaps: ArtifactCaps;
  guard: AddressGuard;
  secrets: Secrets;
  places: PrivatePlaces;
  supervisor: SupervisorClient;
  dispatchers: Readonly<Record<string, Dispatcher>>;
}

/** The kinds of every server: one line each. */
export function builtInRunners(parts: RunnerParts): readonly Runner[] {
  return [
    subprocessRunner(parts),
    dockerRunner(parts),
    httpRunner(parts),
    httpAsyncRunner(parts),
    manualRunner(parts),
  ] as readonly Runner[]; // each reads its own spec, which its own parse has made
}
