import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withSubprocesses } from '../../helpers/subprocess-suite.ts';

withSubprocesses('The standard input of a subprocess', (parts) => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'runwire-stdin-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const feed = (id: string, payload: string | Buffer, query = '') =>
    parts.app.app.inject({
      method: 'POST',
      url: `/invocations/${id}/stdin${query}`,
      payload,
      headers: { 'content-type': 'application/octet-stream' },
    });

  test('is empty when nothing was said of it', async () => {
    const record = await parts.run(['wc', '-c']);
    expect((await parts.stdout(record)).trim()).toBe('0');
  });

  test('is the text of the invocation, also when it is long', async () => {
    const stdin = 'é'.repeat(400_000);
    const record = await parts.run(['cat'], { options: { stdin } });
    expect(await parts.stdout(record)).toBe(stdin);
  });

  test('is a file when the invocation names one', async () => {
    const path = join(dir, 'input');
    const bytes = randomBytes(1 << 20);
    writeFileSync(path, bytes);
    const record = await parts.run(['sha256sum'], { input_payload_path: path });
    const { createHash } = await import('node:crypto');
    expect((await parts.stdout(record)).slice(0, 64)).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  test('is fed by POST until the end is said', async () => {
    const id = await parts.start(['cat'], { options: { stdin_open: true } });
    const bytes = randomBytes(1 << 20);
    expect((await feed(id, bytes)).statusCode).toBe(204);
    expect((await feed(id, 'end', '?eof=true')).statusCode).toBe(204);
    const record = await parts.finished(id);
    expect(record.status).toBe('succeeded');
    const capture = await parts.app.app.inject(`/invocations/${id}/stdout`);
    expect(capture.rawPayload.equals(Buffer.concat([bytes, Buffer.from('end')]))).toBe(true);
  });

  test('that took all bytes of a program which ended meanwhile is closed without complaint', async () => {
    const address = await parts.app.listen();
    const id = await parts.start(['head', '-c5'], { options: { stdin_open: true } });
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(Buffer.from('12345'));
        await parts.finished(id);
        controller.close();
      },
    });
    const url = `${address}/invocations/${id}/stdin?eof=true`;
    const { status } = await fetch(url, { method: 'POST', body, duplex: 'half' });
    expect(status).toBe(204);
    expect((await feed(id, 'more', '?eof=true')).json()).toMatchObject({ status: 409, code: 'not_running' });
  });

  test('that was not asked to be open is refused in words', async () => {
    const id = await parts.start(['sleep', '60']);
    const answer = await feed(id, 'x');
    expect(answer.statusCode).toBe(409);
    expect(answer.json()).toMatchObject({ code: 'stdin_closed' });
    expect(answer.json().detail).toContain('stdin_open');
    parts.app.engine.cancel(id, 0);
    await parts.finished(id);
  });

  test('that the program has closed is refused', async () => {
    const id = await parts.start(['sh', '-c', 'exec <&-; echo closed; sleep 60'], {
      options: { stdin_open: true },
    });
    await parts.said(id, 'closed');
    const answer = await feed(id, 'x');
    expect(answer.json()).toMatchObject({ status: 409, code: 'stdin_closed' });
    parts.app.engine.cancel(id, 0);
    await parts.finished(id);
  });

  test('of a finished run is refused', async () => {
    const { invocation } = await parts.run(['true']);
    expect((await feed(invocation.invocation_id, 'x')).json()).toMatchObject({
      status: 409,
      code: 'not_running',
    });
  });

  test('that nobody reads is let go when the run ends', async () => {
    const id = await parts.start(['sh', '-c', 'echo up; sleep 60'], { options: { stdin_open: true } });
    await parts.said(id, 'up');
    const hanging = feed(id, randomBytes(1 << 20));
    parts.app.engine.cancel(id, 0);
    expect((await hanging).statusCode).toBe(409);
    await parts.finished(id);
  });
});

withSubprocesses('Signals to a subprocess', (parts) => {
  const send = (id: string, signal: string) =>
    parts.app.app.inject({ method: 'POST', url: `/invocations/${id}/signals`, payload: { signal } });

  test('reach the whole group, by name', async () => {
    const id = await parts.start([
      'sh',
      '-c',
      `sh -c 'trap "echo child" USR1; echo up; sleep 60 & wait' & trap "" USR1; wait`,
    ]);
    await parts.said(id, 'up');
    expect((await send(id, 'SIGUSR1')).statusCode).toBe(204);
    await parts.said(id, 'child');
    parts.app.engine.cancel(id, 0);
    await parts.finished(id);
  });

  test('with a name that no system has are refused, naming the field', async () => {
    const id = await parts.start(['sleep', '60']);
    for (const name of ['SIGNOPE', 'TERM', 'sigterm', '9', 'SIGRTMIN']) {
      const answer = await send(id, name);
      expect(answer.statusCode, name).toBe(422);
      expect(answer.json().errors).toMatchObject([{ path: 'signal' }]);
    }
    parts.app.engine.cancel(id, 0);
    await parts.finished(id);
  });

  test('to a finished run are refused', async () => {
    const { invocation } = await parts.run(['true']);
    expect((await send(invocation.invocation_id, 'SIGINT')).json()).toMatchObject({
      status: 409,
      code: 'not_running',
    });
  });
});
