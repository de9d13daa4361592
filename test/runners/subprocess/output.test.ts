import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { descriptorsOf, supervisorOf, until, zombiesOf } from '../../helpers/processes.ts';
import { eventsOf, outputOf } from '../../helpers/run-events.ts';
import { expectSound } from '../../helpers/sound-run.ts';
import { withSubprocesses } from '../../helpers/subprocess-suite.ts';

withSubprocesses('The output of a subprocess', (parts) => {
  test('is whole when it was written just before the end', async () => {
    for (let i = 0; i < 50; i++) {
      const record = await parts.sh('head -c 50000 /dev/zero; printf end >&2');
      expect(record.outcome).toMatchObject({ stdout: { bytes: 50_000 }, stderr: { bytes: 3 } });
    }
  });

  test('goes on when a stream was closed early', async () => {
    const record = await parts.sh(
      'echo err >&2; exec 2>&-; sleep 0.1; echo out; exec >&-; sleep 0.1; exit 5',
    );
    expect(record.outcome).toMatchObject({ exit_code: 5, stdout: { bytes: 4 }, stderr: { bytes: 4 } });
    await expectSound(parts.app, record);
  });

  test('may be one line of 10 MB', async () => {
    const record = await parts.sh('head -c 10000000 /dev/zero | tr "\\0" x');
    expect(record.outcome?.stdout?.bytes).toBe(10_000_000);
    await expectSound(parts.app, record);
  });

  test('may be 1 GB, and costs no memory', async () => {
    const bytes = 1024 ** 3;
    const record = await parts.sh(`head -c ${bytes} /dev/zero`, { options: { max_output_bytes: bytes } });
    const hash = createHash('sha256');
    const block = Buffer.alloc(1024 ** 2);
    for (let i = 0; i < 1024; i++) hash.update(block);
    expect(record.outcome?.stdout).toEqual({ bytes, kept: bytes, sha256: hash.digest('hex') });
    expect(statSync(record.result?.stdout_path ?? '').size).toBe(bytes);
    const { readFileSync } = await import('node:fs');
    const peak = /VmHWM:\s+(\d+)/.exec(
      readFileSync(`/proc/${supervisorOf(parts.app.dataDir)}/status`, 'utf8'),
    )?.[1];
    expect(Number(peak)).toBeLessThan(300_000);
  });

  test('of 200 programs at once does not mix', async () => {
    const records = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        parts.sh(`for n in 1 2 3 4 5; do echo "${i} $n"; echo "${i} $n" >&2; done`),
      ),
    );
    for (const [i, record] of records.entries()) {
      const expected = [1, 2, 3, 4, 5].map((n) => `${i} ${n}\n`).join('');
      const events = await eventsOf(parts.app, record);
      expect(outputOf(events, 'stdout').toString()).toBe(expected);
      expect(outputOf(events, 'stderr').toString()).toBe(expected);
    }
  });

  test('leaves no descriptor and no zombie behind', async () => {
    const supervisor = supervisorOf(parts.app.dataDir);
    const some = async (n: number) => {
      for (let i = 0; i < n; i++) await parts.sh(i % 3 === 0 ? 'sleep 0.01; echo x' : 'echo x; echo y >&2');
      await parts.run(['no-such-program']);
      await parts.sh('setsid sleep 60 & exit 1');
    };
    await some(20);
    const before = [descriptorsOf(supervisor).length, descriptorsOf(process.pid).length];
    await some(300);
    await until(
      () => descriptorsOf(supervisor).length <= (before[0] ?? 0),
      'the supervisor has closed what it opened',
    );
    await until(
      () => descriptorsOf(process.pid).length <= (before[1] ?? 0) + 2,
      'the server has closed what it opened',
    );
    await expect.poll(() => zombiesOf(supervisor)).toEqual([]); // one that has just ended is reaped in a moment
  });
});
