import { join } from 'node:path';
import { type Installer, npmVersion } from '../install.ts';
import { freePort, httpRequest, type Peer, start, stop, untilListening } from '../peer.ts';
import { holding } from './runwire.ts';

/** Fastify and execa, as one would write it in an afternoon: no record, no file, no limit. It may hold some memory. */
export async function execa(directory: string, installer: Installer, heldBytes = 0): Promise<Peer> {
  const folder = await installer.npm('execa');
  const port = await freePort();
  const log = join(directory, `execa-${port}.log`);
  const server = join(import.meta.dirname, '../fixtures/execa-server.ts');
  const { flags, env } = holding(heldBytes);
  const child = start([process.execPath, ...flags, server, String(port), folder], log, {
    ...process.env,
    ...env,
  });
  await untilListening(child, log, port);
  const name = 'fastify + execa';
  return {
    name,
    version: npmVersion(folder),
    port,
    pids: () => [child.pid ?? 0],
    targets: ({ command, lastLine }) => [
      { name, request: httpRequest(port, '/run', { command }), expect: lastLine || '"exit_code":0' },
    ],
    stop: () => stop(child),
  };
}
