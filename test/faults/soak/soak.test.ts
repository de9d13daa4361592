import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { absence } from '../../helpers/require.ts';
import { KINDS } from './plan.ts';
import { soak } from './run.ts';

const SEED = Number(process.env.RUNWIRE_SOAK_SEED ?? 20_260_101);
const RUNS = Number(process.env.RUNWIRE_SOAK_RUNS ?? 200);
/** For the runs; what they did is looked at afterwards. */
const SECONDS = Number(process.env.RUNWIRE_SOAK_SECONDS ?? 50);
/** To look at what failed. */
const KEEP = process.env.RUNWIRE_SOAK_KEEP !== undefined;

test(`${RUNS} runs of all kinds lose nothing while the server and the supervisor are killed (seed ${SEED})`, {
  timeout: 300_000 + SECONDS * 10_000,
}, async () => {
  const noDocker = absence('docker');
  const kinds = KINDS.filter((kind) => kind !== 'docker' || noDocker === undefined);
  if (noDocker !== undefined) console.log(`The soak goes without docker: ${noDocker}`);
  const directory = mkdtempSync(join(tmpdir(), 'runwire-soak-'));
  try {
    const marks = join(directory, 'marks');
    mkdirSync(marks);
    chmodSync(directory, 0o755); // programs in containers are another user
    chmodSync(marks, 0o777);
    const { failures, report } = await soak({
      seed: SEED,
      runs: RUNS,
      seconds: SECONDS,
      kinds,
      dataDir: join(directory, 'data'),
      marks,
    });
    console.log(report);
    expect(failures).toEqual([]);
  } finally {
    if (KEEP) console.log(`The data directory is kept: ${directory}`);
    else rmSync(directory, { recursive: true, force: true });
  }
});
