import { fileURLToPath } from 'node:url';
import type { Behaviour } from '../../helpers/conformance.ts';
import { testRunner } from '../../helpers/runner-conformance.ts';

const BEHAVE = fileURLToPath(new URL('../../fixtures/behave.mjs', import.meta.url));

for (const spawn of ['posix', 'portable'])
  testRunner({
    kind: 'subprocess',
    title: `${spawn} spawner`,
    setsUp: true,
    hasTerminals: true,
    skip: spawn === 'portable' ? { terminals: 'child_process knows none: such a run is rejected' } : {},
    app: { config: { RUNWIRE_SPAWN: spawn } },
    invocation: (behaviour: Behaviour) => ({
      runtime_kind: 'subprocess',
      command: [process.execPath, BEHAVE, JSON.stringify(behaviour)],
    }),
  });
