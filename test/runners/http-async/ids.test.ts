import { expect, test } from 'vitest';
import { accept, backend, run, states } from './scene.ts';

test('an id that is no field value is percent-encoded in the idempotency header, and in the callback address', async () => {
  const id = 'a/b 😀';
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', ...states('completed'));
  const more = { idempotency_header: 'x-key', callback: { header: 'x-done-url' } };
  expect(await run(more, { invocation_id: id })).toMatchObject({
    status: 'succeeded',
    invocation: { invocation_id: id },
  });
  expect(backend.seen[0]?.headers).toMatchObject({
    'x-key': 'a/b%20%F0%9F%98%80',
    'x-done-url': expect.stringContaining('/invocations/a%2Fb%20%F0%9F%98%80/callback?token='),
  });
});
