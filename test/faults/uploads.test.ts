import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../helpers/processes.ts';
import { type ServerProcess, startServer } from '../helpers/server-process.ts';

/** What a server that is killed while files come, or right after, leaves. */
describe('Files on their way in, when the server is killed', () => {
  let dataDir: string;
  let server: ServerProcess;
  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'runwire-uploads-'));
    server = await startServer(dataDir, { RUNWIRE_MAX_CONCURRENT: '1' });
  });
  afterEach(async () => {
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const restart = async (): Promise<void> => {
    await server.stop('SIGKILL');
    server = await startServer(dataDir, { RUNWIRE_MAX_CONCURRENT: '1' });
  };
  const names = (place: string): string[] => {
    try {
      return readdirSync(join(dataDir, place));
    } catch {
      return [];
    }
  };

  test('of those that had not all come nothing is left, and the next server says so', async () => {
    const socket = connect(Number(new URL(server.address).port), '127.0.0.1').on('error', () => {});
    const head = 'Content-Disposition: form-data; name="f"; filename="dir/a"';
    socket.write(
      `POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: 1000000\r\n\r\n--B\r\n${head}\r\n\r\n${'x'.repeat(100_000)}`,
    );
    await until(() => names('uploads').length === 1, 'the file is on its way');
    await restart();
    socket.destroy();
    await until(() => names('uploads').length === 0, 'it was swept');
    await until(
      () => server.output().includes('uploads that a crash interrupted were removed'),
      'it is told',
    );
    expect(await (await fetch(`${server.address}/invocations`)).json()).toMatchObject({ items: [] });
  });

  test.each([false, true])(
    'those of a run that was accepted are there when it begins (killed while it waits: %s)',
    async (waits) => {
      const post = (invocation: object, text: string): Promise<Response> => {
        const form = new FormData();
        form.append('invocation', new Blob([JSON.stringify({ runtime_kind: 'subprocess', ...invocation })]));
        form.append('f', new Blob([text]), 'in/f');
        return fetch(`${server.address}/invocations`, { method: 'POST', body: form });
      };
      const [first, second] = [`first-${randomUUID()}`, `second-${randomUUID()}`];
      const held = await post({ invocation_id: first, command: ['sh', '-c', 'sleep 1; cat in/f'] }, 'one');
      expect(held.status, await held.text()).toBe(202);
      if (waits)
        expect((await post({ invocation_id: second, command: ['cat', 'in/f'] }, 'two')).status).toBe(202);
      await restart();
      for (const [id, text] of [[first, 'one'], ...(waits ? [[second, 'two']] : [])] as const) {
        const record = (await (await fetch(`${server.address}/invocations/${id}?wait=20`)).json()) as {
          status: string;
        };
        expect([id, record.status]).toEqual([id, 'succeeded']);
        expect(await (await fetch(`${server.address}/invocations/${id}/stdout`)).text()).toBe(text);
      }
      expect(names('uploads')).toEqual([]);
    },
  );
});
