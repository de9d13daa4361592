import { expect, test } from 'vitest';
import { json } from '../../fixtures/backend.ts';
import { accept, app, backend, spec, summary } from './scene.ts';

test('RxP metadata alone is enough, and its defaults hold', async () => {
  backend.on('/jobs', accept({ data: { runs: [{ id: 7 }] } }));
  backend.on('/jobs/7', json({ run: { status: 'completed' } }));
  const record = await app.run({
    runtime_kind: 'async-http',
    command: ['unused'],
    metadata: {
      'http.url': `${backend.url}/jobs`,
      'http.body': '{"a":1}',
      'http.poll_url_template': `${backend.url}/jobs/{run_id}`,
      'http.poll_run_id_path': 'data.runs.0.id',
      'http.poll_status_path': 'run.status',
      'http.poll_terminal_states': 'completed, failed',
      'http.poll_interval_seconds': '',
    },
  });
  expect(record).toMatchObject({
    status: 'succeeded',
    runtime_kind: 'http_async',
    result: { exit_code: 0, runtime_kind: 'http_async' },
  });
  expect(backend.seen.map(({ method, path, body }) => [method, path, body])).toEqual([
    ['POST', '/jobs', '{"a":1}'],
    ['GET', '/jobs/7', ''],
  ]);
});

test('everything that is missing is named before anything is sent', async () => {
  const record = await app.run({
    runtime_kind: 'http_async',
    options: { http_async: { poll_url_template: `${backend.url}/{run_id}`, poll_terminal_states: [] } },
  });
  expect(record).toMatchObject({ status: 'rejected', outcome: { started: false, retry_safe: true } });
  expect(summary(record)).toBe(
    'missing http.url, http.poll_status_path, http.poll_terminal_states, http.poll_run_id_path',
  );
});

test.each([
  ['http.poll_interval_seconds is not a number', { 'http.poll_interval_seconds': 'soon' }, {}],
  ['http.poll_pending_codes is not a list', { 'http.poll_pending_codes': '404,x' }, {}],
  ['http.poll_interval_seconds', { 'http.poll_interval_seconds': '-1' }, {}],
  ['http.poll_url_template', {}, { poll_url_template: 'ftp://x/{run_id}' }],
  ['must not be part of the host', {}, { poll_url_template: 'http://{run_id}.example/' }],
  ['http.cancel.url_template', {}, { cancel: { url_template: 'ftp://x/{run_id}' } }],
  ['http.preset: there is no preset "nope"', {}, { preset: 'nope' }],
  ['http.callback.body_field needs', {}, { callback: { body_field: 'hook' }, body: [1] }],
])('what cannot work is rejected before kickoff: %s', async (words, metadata, more) => {
  const given = Object.fromEntries(
    Object.entries(spec(more)).filter(([field]) => !(`http.${field}` in metadata)),
  );
  const record = await app.run({ runtime_kind: 'http_async', options: { http_async: given }, metadata });
  expect(record.status).toBe('rejected');
  expect(summary(record)).toContain(words);
  expect(backend.seen).toEqual([]);
});
