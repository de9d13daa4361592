import type { AddressGuard } from '../src/address-guard.ts';
import type { Runner } from '../src/runner.ts';
import type { Secrets } from '../src/secrets.ts';
import type { DockerRunner } from './docker.ts';
import { httpRunner } from './http.ts';
import { httpAsyncRunner } from './http-async.ts';
import type { SupervisorClient } from './lib/supervisor-client.ts';
import type { ManualRunner } from './manual.ts';
import { subprocessRunner } from './subprocess.ts';

/** What the composition root gives to runners. */
export interface RunnerParts {
  supervisor: SupervisorClient;
  /** Made beside the others, for it is also told to sweep and to let go. */
  docker: DockerRunner;
  /** Made beside the others, for it is also told to let go. */
  manual: ManualRunner;
  guard: AddressGuard;
  secrets: Secrets;
}

/** The kinds of this server: one line each. */
export function builtInRunners({
  supervisor,
  docker,
  manual,
  guard,
  secrets,
}: RunnerParts): readonly Runner[] {
  return [
    subprocessRunner(supervisor),
    docker,
    httpRunner({ guard, secrets }),
    httpAsyncRunner({ guard, secrets }),
    manual,
  ] as readonly Runner[]; // each reads its own spec, which its own parse has made
}
