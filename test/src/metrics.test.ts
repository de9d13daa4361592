import { afterEach, beforeEach, expect, test } from 'vitest';
import { createMetrics, type Metrics } from '../../src/metrics.ts';

const limits = { outputBytes: 2 ** 30, retention: { seconds: null, count: 100, bytes: 5000 } };
let metrics: Metrics;
beforeEach(() => {
  metrics = createMetrics(['subprocess', 'docker'], limits);
});
afterEach(() => metrics.close());

const live = {
  ...{ running: 2, queued: 5, openStreams: 1, recovering: 3 },
  places: { programs: { all: 64, taken: 2 }, calls: { all: 1000, taken: 12 } },
  waiting: { places: 5, calls: 6, draining: 7, worker: 8, workspace: 9 },
  finished: { count: 9, bytes: 4000 },
  disk: { total: 20_000, free: 10_000 },
};

test('finished runs are counted by kind and status, with their durations and output', async () => {
  metrics.runFinished({ kind: 'subprocess', status: 'succeeded', seconds: 0.01, outputBytes: 10 });
  metrics.runFinished({ kind: 'docker', status: 'failed', seconds: 2, outputBytes: 5 });
  const text = await metrics.scrape(live);
  expect(text).toContain('runwire_runs_total{kind="subprocess",status="succeeded"} 1');
  expect(text).toContain('runwire_runs_total{kind="docker",status="failed"} 1');
  expect(text).toContain('runwire_run_duration_seconds_sum{kind="docker"} 2');
  expect(text).toContain('runwire_output_bytes_total 15');
});

test('what is asked at the scrape is in it', async () => {
  const text = await metrics.scrape(live);
  expect(text).toContain('runwire_runs_running 2');
  expect(text).toContain('runwire_queue_depth 5');
  expect(text).toContain('runwire_open_streams 1');
  for (const [reason, count] of Object.entries(live.waiting))
    expect(text).toContain(`runwire_runs_waiting{reason="${reason}"} ${count}`);
  expect(text).toContain('runwire_places{of="programs"} 64');
  expect(text).toContain('runwire_places{of="calls"} 1000');
  expect(text).toContain('runwire_places_taken{of="programs"} 2');
  expect(text).toContain('runwire_places_taken{of="calls"} 12');
  expect(text).toMatch(/runwire_event_loop_lag_seconds\{quantile="0\.99"\} \d/);
  expect(text).toMatch(/process_resident_memory_bytes \d{6,}/);
});

test('what is kept, what may be, and the disk are in it; a bound that is none is infinite, what nobody knows no number', async () => {
  const text = await metrics.scrape(live);
  for (const line of [
    'runwire_output_limit_bytes 1073741824',
    'runwire_retention_limit_seconds +Inf',
    'runwire_retention_limit_runs 100',
    'runwire_retention_limit_bytes 5000',
    'runwire_finished_runs 9',
    'runwire_finished_runs_bytes 4000',
    'runwire_disk_size_bytes 20000',
    'runwire_disk_free_bytes 10000',
  ])
    expect(text).toContain(`\n${line}\n`);
  const unknown = await metrics.scrape({ ...live, finished: null, disk: null });
  for (const name of ['finished_runs', 'finished_runs_bytes', 'disk_size_bytes', 'disk_free_bytes'])
    expect(unknown).toContain(`\nrunwire_${name} Nan\n`);
});

test('what became of the runs of an earlier server is counted, from zero', async () => {
  const none = await metrics.scrape(live);
  for (const how of ['queued', 'resumed', 'lost'])
    expect(none).toContain(`runwire_recovered_runs_total{how="${how}"} 0`);
  metrics.runRecovered('lost');
  const text = await metrics.scrape(live);
  expect(text).toContain('runwire_recovered_runs_total{how="lost"} 1');
  expect(text).toContain('runwire_runs_recovering 3');
});

test('kinds that clients make up share one label', async () => {
  for (const kind of ['made', 'up', '"}'])
    metrics.runFinished({ kind, status: 'rejected', seconds: 0, outputBytes: 0 });
  expect(await metrics.scrape(live)).toContain('runwire_runs_total{kind="other",status="rejected"} 3');
});
