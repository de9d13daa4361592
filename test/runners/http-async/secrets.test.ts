import { expect, test } from 'vitest';
import { json } from '../../fixtures/backend.ts';
import { accept, app, backend, payload, run, SECRET, stderr, stdout, summary } from './scene.ts';

test('a secret that the backend echoes is told nowhere', async () => {
  backend.on('/jobs', accept({ id: 'a1', status: `got ${SECRET}` }));
  backend.on('/jobs/a1', json({ status: 'failed', why: `bad token ${SECRET}`, data: SECRET }));
  const record = await run(
    { auth: { secret: 'TOKEN' }, error_path: 'why', output_path: 'data', log_path: 'why' },
    { invocation_id: 'x' },
  );
  expect(summary(record)).toContain('bad token [redacted]');
  const told = JSON.stringify([
    record,
    await app.events('x'),
    payload(record),
    stdout(record),
    stderr(record),
  ]);
  expect(told).not.toContain(SECRET);
});
