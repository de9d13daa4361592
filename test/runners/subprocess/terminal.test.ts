import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';
import { supervisorOf, until } from '../../helpers/processes.ts';
import { type Subprocesses, subprocesses } from '../../helpers/subprocess-suite.ts';

const SIZE = { cols: 100, rows: 40 };
const at = (more: Record<string, unknown> = {}) => ({ options: { terminal: SIZE, ...more } });

describe('The terminal of a subprocess', () => {
  let app: BuiltApp;
  let parts: Subprocesses;
  beforeAll(async () => {
    app = await buildApp();
    parts = subprocesses(app);
  });
  afterAll(() => app.end());

  const type = async (id: string, text: string, query = '') =>
    (
      await app.app.inject({
        method: 'POST',
        url: `/invocations/${id}/stdin${query}`,
        payload: text,
        headers: { 'content-type': 'application/octet-stream' },
      })
    ).statusCode;
  const lines = async (record: RunRecord) => (await parts.stdout(record)).split('\r\n');

  test('is all three streams, of the size that was asked for, and its controlling one', async () => {
    const script =
      'tty; tty <&1; tty <&2; stty size; echo $TERM; echo err >&2; read pid comm state ppid pgrp session tty tpgid rest </proc/self/stat; exec 0</dev/tty && [ $(ps -o tpgid= -p $$) = $$ ] && [ $(ps -o sid= -p $$) = $$ ] && echo leads';
    const record = await parts.sh(script, at());
    const [own = '', ...said] = await lines(record);
    expect(own).toMatch(/^\/dev\/pts\/\d+$/);
    expect(said).toEqual([own, own, '40 100', 'xterm-256color', 'err', 'leads', '']);
    expect(record).toMatchObject({
      status: 'succeeded',
      outcome: { exit_code: 0, stderr: { bytes: 0 }, kill: null },
    });
  });

  test('has the TERM that the invocation says', async () => {
    const record = await parts.sh('echo $TERM', { environment: { TERM: 'vt100' }, ...at() });
    expect(await lines(record)).toEqual(['vt100', '']);
  });

  test('is read to the last byte, however much is written at the end', async () => {
    for (const count of [1, 2000, 50_000]) {
      const record = await parts.sh(`stty -opost; seq ${count}`, at());
      const whole = Array.from({ length: count }, (_, i) => `${i + 1}\n`).join('');
      expect(record.outcome?.stdout).toMatchObject({
        bytes: whole.length,
        sha256: createHash('sha256').update(whole).digest('hex'),
      });
    }
  });

  test('ends with its program, whatever a child that holds it does', async () => {
    // Who is in the foreground gets the SIGHUP of the system: it may be gone before it is looked for.
    for (const [child, kills] of [
      ['sleep 60 &', [null, { signals: ['SIGKILL'], survivors: 0 }]],
      ['trap "" HUP; sleep 60 &', [{ signals: ['SIGKILL'], survivors: 0 }]],
      ['setsid -f sleep 60;', [{ signals: ['SIGKILL'], survivors: 0 }]],
    ] as const) {
      const record = await parts.sh(`${child} sleep 0.1; echo gone`, at());
      expect(await lines(record)).toEqual(['gone', '']);
      expect(record.status).toBe('succeeded');
      expect(kills).toContainEqual(record.outcome?.kill);
    }
  });

  test('goes on when a program has closed it and opens it again', async () => {
    const record = await parts.sh('exec 0<&- 1>&- 2>&-; sleep 0.2; exec >/dev/tty; echo again', at());
    expect(await lines(record)).toEqual(['again', '']);
  });

  test('is typed into, echoes, and its Ctrl-D ends a line that was begun', async () => {
    const id = await parts.start(['cat'], at());
    expect(await type(id, 'one\n')).toBe(204);
    await parts.said(id, 'one\r\none\r\n');
    expect(await type(id, 'two', '?eof=true')).toBe(204);
    const record = await parts.finished(id);
    expect(record.status).toBe('succeeded');
    expect(await parts.stdout(record)).toBe('one\r\none\r\ntwotwo');
  });

  test('takes what is typed no faster than the program reads it', async () => {
    const id = await parts.start(
      ['sh', '-c', 'stty raw -echo; echo ready; head -c 1000000 | sha256sum'],
      at(),
    );
    await parts.said(id, 'ready');
    const typed = Buffer.alloc(1_000_000, 'typed 0123456789\n');
    expect(await type(id, typed.toString())).toBe(204);
    const record = await parts.finished(id);
    expect(await parts.stdout(record)).toContain(createHash('sha256').update(typed).digest('hex'));
  });

  test('gives Ctrl-C to what is in its foreground', async () => {
    const id = await parts.start(['bash', '-i'], {
      ...at(),
      environment: { PS1: '', HOME: '/nonexistent' },
    });
    expect(await type(id, 'sleep 60; echo "ended with $?"\n')).toBe(204);
    await parts.said(id, 'sleep 60');
    await expect
      .poll(async () => {
        await type(id, '\x03');
        await type(id, 'echo alive $((6*7))\n');
        return (await app.app.inject(`/invocations/${id}/stdout`)).body;
      })
      .toContain('alive 42');
    expect(await type(id, 'exit 3\n')).toBe(204);
    expect(await parts.finished(id)).toMatchObject({ outcome: { exit_code: 3 } });
  });

  test('has job control', async () => {
    const id = await parts.start(['bash', '-i'], {
      ...at(),
      environment: { PS1: '', HOME: '/nonexistent' },
    });
    await type(id, 'echo in""side; cat\n');
    await parts.said(id, 'inside');
    await type(id, 'in cat\n');
    await parts.said(id, 'in cat\r\nin cat\r\n');
    await type(id, '\x1a');
    await parts.said(id, 'Stopped');
    await type(id, 'echo back""ground; fg\n');
    await parts.said(id, 'background');
    await type(id, 'again\n');
    await parts.said(id, 'again\r\nagain\r\n');
    await type(id, '\x04'); // ends cat
    await type(id, 'echo out""side; exit\n');
    expect(await parts.finished(id)).toMatchObject({ outcome: { exit_code: expect.any(Number) } });
    expect((await app.app.inject(`/invocations/${id}/stdout`)).body).toContain('outside');
  });

  test('has another size when that is said, and tells the program', async () => {
    const script = 'trap "stty size; exit" WINCH; echo ready; while :; do sleep 0.05; done';
    const id = await parts.start(['sh', '-c', script], at());
    await parts.said(id, 'ready');
    await app.engine.resize(id, { cols: 132, rows: 50 });
    const record = await parts.finished(id);
    expect(await lines(record)).toEqual(['ready', '50 132', '']);
  });

  test('is closed when a run is stopped: a shell, which passes over SIGTERM, ends within its grace', async () => {
    const id = await parts.start(['bash', '-i'], {
      ...at({ kill_grace_seconds: 60 }),
      environment: { PS1: '', HOME: '/nonexistent' },
    });
    await type(id, 'echo up $((6*7))\n');
    await parts.said(id, 'up 42');
    app.engine.cancel(id);
    const record = await parts.finished(id);
    expect(record).toMatchObject({
      status: 'cancelled',
      outcome: { kill: { signals: ['SIGTERM', 'SIGHUP'] } },
    });
  });

  test('is not what setup has', async () => {
    const record = await parts.sh('tty >/dev/null && echo yes', at({ setup: { commands: ['tty || true'] } }));
    expect(await lines(record)).toEqual(['yes', '']);
    const setup = await app.app.inject(`/invocations/${record.invocation.invocation_id}/stdout?phase=setup`);
    expect(setup.body).toBe('not a tty\n');
  });

  test('leaves nothing open where the program could not be started, or has ended', async () => {
    const supervisor = supervisorOf(app.dataDir);
    const open = () => readdirSync(`/proc/${supervisor}/fd`).length;
    const place = mkdtempSync(join(tmpdir(), 'runwire-tty-'));
    const text = join(place, 'text');
    writeFileSync(text, 'no program', { mode: 0o755 });
    await parts.sh('true', at());
    await until(() => open() > 0, 'it is there');
    const before = open();
    for (let n = 0; n < 20; n++) {
      const record = await parts.run([text], at());
      expect(record).toMatchObject({ outcome: { ended: 'never_started' } });
      await parts.sh('echo said', at());
    }
    await until(() => open() <= before, 'all is closed');
    rmSync(place, { recursive: true });
  });

  test('is not resized where there is none', async () => {
    const id = await parts.start(['sleep', '60']);
    await expect(app.engine.resize(id, SIZE)).rejects.toMatchObject({ code: expect.stringMatching(/not_/) });
    app.engine.cancel(id, 0);
    await parts.finished(id);
  });
});

test('The portable spawner has no terminals, and says so', async () => {
  const app = await buildApp({ config: { RUNWIRE_SPAWN: 'portable' } });
  const record = await subprocesses(app, 'portable').sh('true', at());
  await app.end();
  expect(record).toMatchObject({
    status: 'rejected',
    result: { error_summary: expect.stringContaining('options.terminal') },
    outcome: { retry_safe: true },
  });
});
