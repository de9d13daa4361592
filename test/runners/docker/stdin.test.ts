import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { feedStdin } from '../../../runners/docker/stdin.ts';
import type { Invocation } from '../../../src/documents/invocation.ts';

test('closing the standard input of a container that has closed it is no error, feeding it is', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const socket = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
  const [daemon] = (await once(server, 'connection')) as [Socket];
  const invocation = { options: { stdin_open: true } } as unknown as Invocation;
  const { writeStdin, closeStdin } = feedStdin(socket, { invocation, inputPath: null });
  await writeStdin?.(Buffer.from('x'));
  await once(daemon, 'data');
  daemon.destroy();
  await once(socket, 'close');
  await closeStdin?.();
  await expect(writeStdin?.(Buffer.from('y'))).rejects.toMatchObject({ code: 'stdin_closed' });
  server.close();
});
