import { join } from 'node:path';
import { freePort, httpRequest, type Peer, start, stop, untilListening } from '../peer.ts';

/** Fastify and child_process, as one would write it in an afternoon: no record, no file, no limit. */
export async function fastify(directory: string): Promise<Peer> {
  const port = await freePort();
  const log = join(directory, 'fastify.log');
  const server = join(import.meta.dirname, '../fixtures/fastify-server.ts');
  const child = start([process.execPath, server, String(port)], log);
  await untilListening(child, log, port);
  return {
    name: 'fastify + child_process',
    port,
    request: httpRequest(port, '/run', { command: ['/bin/true'] }),
    expect: '"exit_code":0',
    stop: () => stop(child),
  };
}
