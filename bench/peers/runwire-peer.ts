import { join } from 'node:path';
import { httpRequest, type Peer } from '../peer.ts';
import { runwire } from './runwire.ts';

/**
 * Runwire as `npm start` starts it, records, captures and journal on the disk. The answer is the record of the finished run,
 * in which output is told by its length and hash; with `text/plain` it is the output itself, as that of the others.
 */
export async function runwirePeer(directory: string, heldBytes = 0): Promise<Peer> {
  const data = join(directory, `data-${heldBytes}`);
  const server = await runwire(data, join(directory, `runwire-${heldBytes}.log`), {}, heldBytes);
  const { port } = server;
  return {
    name: 'runwire',
    version: '',
    port,
    pids: () => [server.pid, ...[server.supervisorPid()].filter((pid) => pid !== undefined)],
    targets({ command, lastLine }) {
      const bare = { runtime_kind: 'subprocess', command };
      const invocation = { ...bare, working_directory: '/tmp' };
      const record = {
        name: 'runwire',
        request: httpRequest(port, '/invocations?wait=30', invocation),
        expect: '"status":"succeeded"',
      };
      if (lastLine === '')
        return [
          record,
          {
            ...record,
            name: 'runwire, scratch directory',
            request: httpRequest(port, '/invocations?wait=30', bare),
          },
        ];
      const text = httpRequest(port, '/invocations', invocation, 'text/plain');
      return [record, { name: 'runwire, text/plain', request: text, expect: lastLine }];
    },
    stop: server.stop,
  };
}
