import type { Runner } from '../src/contract/runner.ts';
import type { AddressGuard } from '../src/outbound/address-guard.ts';
import type { Secrets } from '../src/outbound/secrets.ts';
import type { SupervisorClient } from '../src/supervisor/client/client.ts';
import type { DockerRunner } from './docker/runner.ts';
import { httpRunner } from './http/runner.ts';
import { httpAsyncRunner } from './http-async/runner.ts';
import type { ManualRunner } from './manual/runner.ts';
import { subprocessRunner } from './subprocess/runner.ts';

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
