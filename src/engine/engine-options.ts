import type { Logger } from 'pino';
import type { AssetBook } from '../assets/asset-book.ts';
import type { Config } from '../config.ts';
import type { PrivatePlaces } from '../disk/private-places.ts';
import type { DiskSpace } from '../disk/space.ts';
import type { Metrics } from '../metrics.ts';
import type { CallbackAddresses } from '../run/callback-address.ts';
import type { SessionRuns } from '../run/session-runs.ts';
import type { SpecBook } from '../specs/spec-book.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import type { Traces } from '../traces/traces.ts';
import type { WorkspaceRuns } from '../workspaces/run-turns.ts';
import type { Workspaces } from '../workspaces/workspaces.ts';
import type { Registry } from './registry.ts';

/** What an engine is made of. */
export interface EngineOptions {
  config: Config;
  store: InvocationStore;
  registry: Registry;
  log: Logger;
  metrics: Metrics;
  /** Absent: nothing is recorded. */
  traces?: Traces;
  /** Absent: addresses that are good for as long as the engine lives. */
  callbacks?: CallbackAddresses;
  /** A run with `on_finish` has finished and its result is stored. */
  onFinished?: (id: string) => void;
  /** Absent: that of the data directory. */
  disk?: DiskSpace;
  /** Absent: the data directory. */
  places?: PrivatePlaces;
  /** Absent: there are none, and runs that name one are refused. */
  workspaces?: { runs: WorkspaceRuns } & Pick<Workspaces, 'tree' | 'changing' | 'reading' | 'filledFromRun'>;
  /** Absent: there are none. */
  sessions?: SessionRuns;
  /** Absent: there are none, and runs that name one are refused. */
  specs?: SpecBook;
  /** Absent: there are none, and runs that name one are refused. */
  assets?: AssetBook;
  /** Environment of the server, of which programs get a part. */
  environment: Readonly<Record<string, string | undefined>>;
}
