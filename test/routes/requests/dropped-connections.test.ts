import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { stubApp } from '../../helpers/stub-app.ts';

test('connections that are closed because too many are open are told of in the log, once for many', async () => {
  await using stub = stubApp();
  const port = Number(new URL(await stub.listen()).port);
  stub.app.server.maxConnections = 1;
  const first = connect(port, '127.0.0.1');
  await once(first, 'connect');
  for (let i = 0; i < 5; i++) {
    const more = connect(port, '127.0.0.1').on('error', () => {});
    await new Promise((resolve) => more.once('close', resolve));
  }
  expect(stub.logged).toEqual([{ dropped: 1, open: 1 }]);
  first.destroy();
});
