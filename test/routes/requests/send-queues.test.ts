import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { sendQueues } from '../../../routes/requests/send-queues.ts';
import { requires } from '../../helpers/require.ts';

requires('linux')('What the system holds for a client', () => {
  test.each(['127.0.0.1', '::1', '::ffff:127.0.0.1'])(
    'is told by the port of the client: %s',
    async (host) => {
      const server = createServer();
      server.listen({ port: 0, host: host.startsWith('::ffff') ? '::' : host });
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const accepted = once(server, 'connection') as Promise<[Socket]>;
      const client = connect({ port, host });
      client.pause();
      const [socket] = await accepted;
      expect((await sendQueues(port)).has(socket.remotePort ?? 0)).toBe(false);

      socket.write(Buffer.alloc(32 * 1024 * 1024));
      const held = async (): Promise<number> => (await sendQueues(port)).get(socket.remotePort ?? 0) ?? 0;
      await expect.poll(held).toBeGreaterThan(10_000);
      // Of the client's own end nothing is told, nor of another port.
      expect([...(await sendQueues(port)).keys()]).toEqual([socket.remotePort]);
      expect((await sendQueues(1)).size).toBe(0);

      client.resume();
      await expect.poll(held, { timeout: 10_000 }).toBe(0);
      client.destroy();
      socket.destroy();
      server.close();
    },
  );
});
