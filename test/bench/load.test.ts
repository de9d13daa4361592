import { execFile } from 'node:child_process';
import { createServer, type RequestListener } from 'node:http';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { LoadPlan, LoadReport } from '../../bench/load.ts';
import { httpRequest } from '../../bench/peer.ts';

const program = resolve(import.meta.dirname, '../../bench/load.ts');

async function load(listener: RequestListener, plan: Partial<LoadPlan>): Promise<LoadReport> {
  await using server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const { port } = address;
  const request = httpRequest(port, '/', { a: 1 });
  const whole = {
    host: '127.0.0.1',
    port,
    request,
    expect: 'ok',
    connections: 4,
    seconds: 20,
    requests: 50,
    ...plan,
  };
  const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify(whole)]);
  return JSON.parse(stdout) as LoadReport;
}

describe('The load generator', () => {
  test('sends as many requests as it was told, over as many connections', async () => {
    let requests = 0;
    const connections = new Set<unknown>();
    const report = await load((request, response) => {
      requests++;
      connections.add(request.socket);
      response.end('ok');
    }, {});
    expect(report).toMatchObject({ answered: 50, reconnects: 0 });
    expect(requests).toBe(50);
    expect(connections.size).toBe(4);
  });

  test('ends when its seconds are over', async () => {
    const report = await load((_, response) => response.end('ok'), { seconds: 0.2, requests: 1e9 });
    expect(report.answered).toBeGreaterThan(0);
  });

  test('opens a connection again that the peer closes', async () => {
    const report = await load((_, response) => response.setHeader('connection', 'close').end('ok'), {});
    expect(report).toMatchObject({ answered: 50, reconnects: 50 });
  });

  test('fails at a wrong status and at a wrong body', async () => {
    await expect(load((_, response) => response.writeHead(500).end('ok'), {})).rejects.toThrow(
      'wrong answer: 500',
    );
    await expect(load((_, response) => response.end('no'), {})).rejects.toThrow('wrong answer: 200 no');
  });
});
