import { expect, test } from 'vitest';
import { stubApp } from '../helpers/stub-app.ts';

test('metrics are in the Prometheus text format', async () => {
  await using stub = stubApp();
  stub.metrics.runFinished({ kind: 'subprocess', status: 'failed', seconds: 1, outputBytes: 3 });
  const response = await stub.app.inject('/metrics');
  expect(response.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(response.body).toContain('runwire_runs_total{kind="subprocess",status="failed"} 1');
  expect(response.body).toContain('runwire_runs_running 3');
  expect(response.body).toContain('runwire_queue_depth 4');
  expect(response.body).toContain('runwire_runs_recovering 8');
});
