import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { verifyWebhook } from '../../client/runwire.ts';
import { webhookHeaders } from '../../src/outbound/signature.ts';
import { clientServer, sh } from '../helpers/client-server.ts';

const server = clientServer();
const body = '{"status":"succeeded"}';
const signed = (secret: string, at = Date.now()) =>
  webhookHeaders({ id: 'a', createdAt: 1 }, secret, body, at);

test('what the server sends is verified', async () => {
  let came: { headers: IncomingHttpHeaders; body: string } | null = null;
  const hook = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    came = { headers: request.headers, body: text };
    response.writeHead(204).end();
  }).listen(0, '127.0.0.1');
  await once(hook, 'listening');
  const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`;
  const secret = 'whsec_bXkgb3duIHNlY3JldA==';
  const run = await server.rw.submit(sh('echo x', { on_finish: { url, secret } }));
  await expect.poll(() => came).not.toBeNull();
  hook.close();
  const { headers, body } = came as unknown as { headers: IncomingHttpHeaders; body: string };
  expect(await verifyWebhook({ headers, body, secret })).toMatchObject({
    invocation_id: run.id,
    status: 'succeeded',
  });
  await expect(verifyWebhook({ headers, body, secret: 'another' })).rejects.toMatchObject({
    name: 'WebhookError',
  });
});

test.each(['whsec_bXkgb3duIHNlY3JldA==', 'plain text'])(
  'secret %s, bytes or text, one signature or several',
  async (secret) => {
    const headers = signed(secret);
    const many = {
      ...headers,
      'webhook-signature': `v2,x v1,!! v1,${btoa('other')} ${headers['webhook-signature']}`,
    };
    for (const of of [headers, new Headers(headers), many])
      for (const bytes of [body, new TextEncoder().encode(body)])
        expect(await verifyWebhook({ headers: of, body: bytes, secret })).toEqual({ status: 'succeeded' });
  },
);

test.each([
  ['of another secret', signed('other'), body],
  ['of another body', signed('s'), '{"status":"failed"}'],
  ['too old', signed('s', Date.now() - 3_600_000), body],
  ['of a time to come', signed('s', Date.now() + 3_600_000), body],
  ['without a signature', { 'webhook-id': 'x', 'webhook-timestamp': '1' }, body],
  [
    'of another time than it says',
    { ...signed('s'), 'webhook-timestamp': String(Math.floor(Date.now() / 1000) - 1) },
    body,
  ],
])('one that is %s is refused', async (_what, headers, body) => {
  await expect(verifyWebhook({ headers, body, secret: 's' })).rejects.toMatchObject({
    code: 'bad_signature',
  });
});
