import { afterAll } from 'vitest';
import { behavingBackend } from '../../fixtures/behaving-backend.ts';
import { testRunner } from '../../helpers/runner-conformance.ts';

const backend = await behavingBackend();
afterAll(() => backend[Symbol.asyncDispose]());

testRunner({
  kind: 'http',
  exitCodes: { success: 200, failure: 500 },
  failedBecause: 'status',
  invocation: (behaviour) => ({
    runtime_kind: 'http',
    options: { http: { url: `${backend.url}/call`, body: behaviour } },
  }),
  skip: {
    'both streams': 'an HTTP answer is one stream',
    artifacts: 'an HTTP answer leaves no files in a directory',
    files: 'a request is made in no directory',
  },
  refusesFiles: true,
});

testRunner({
  kind: 'http_async',
  exitCodes: { success: 0, failure: 1 },
  failedBecause: 'reported',
  invocation: (behaviour) => ({
    runtime_kind: 'http_async',
    options: {
      http_async: {
        url: `${backend.url}/jobs`,
        body: behaviour,
        poll_url_template: '/state?id={run_id}',
        stream_url_template: '/stream?id={run_id}',
        poll_run_id_path: 'id',
        poll_status_path: 'status',
        poll_terminal_states: ['completed', 'failed'],
        poll_interval_seconds: 0.2,
        output_path: 'output',
      },
    },
  }),
  skip: {
    'both streams': 'server-sent events are one stream',
    'binary output': 'server-sent events are text',
    'split characters': 'server-sent events are whole texts',
    artifacts: 'a job of another service leaves no files in a directory',
    files: 'a job of another service works in no directory',
  },
  refusesFiles: true,
});
