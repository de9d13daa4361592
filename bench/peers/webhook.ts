import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Absent,
  findProgram,
  freePort,
  httpRequest,
  type Peer,
  start,
  stop,
  untilListening,
} from '../peer.ts';

/** webhook, with a hook that runs /bin/true and answers when it has ended. */
export async function webhook(directory: string): Promise<Peer> {
  const program = findProgram('webhook');
  if (program === undefined) throw new Absent('webhook is not installed');
  const root = join(directory, 'webhook');
  mkdirSync(root, { recursive: true });
  const hooks = join(root, 'hooks.json');
  const hook = {
    id: 'true',
    'execute-command': '/bin/true',
    'command-working-directory': '/tmp',
    'include-command-output-in-response': true,
  };
  writeFileSync(hooks, JSON.stringify([hook]));
  const port = await freePort();
  const log = join(root, 'log');
  const child = start([program, '-hooks', hooks, '-ip', '127.0.0.1', '-port', String(port)], log);
  await untilListening(child, log, port);
  return {
    name: 'webhook',
    port,
    request: httpRequest(port, '/hooks/true', {}),
    expect: '',
    stop: () => stop(child),
  };
}
