import { expect, test } from 'vitest';
import { own } from '../../helpers/own-id.ts';
import { processesWith, supervisorOf } from '../../helpers/processes.ts';
import { expectSound } from '../../helpers/sound-run.ts';
import { withSubprocesses } from '../../helpers/subprocess-suite.ts';

withSubprocesses('A supervisor that is killed', (parts) => {
  test('takes its runs along as lost, leaves none of their processes, and is replaced', async () => {
    const word = own(`orphan-${parts.spawn}`);
    const command = [
      'sh',
      '-c',
      `(env -i setsid sh -c 'sleep 60; true' ${word} </dev/null >/dev/null 2>&1 &); printf 'é half \\303'; sleep 60`,
      word,
    ];
    const ids = await Promise.all([parts.start(command), parts.start(command)]);
    for (const id of ids) await parts.said(id, 'half');
    process.kill(supervisorOf(parts.app.dataDir), 'SIGKILL');
    for (const id of ids) {
      const record = await parts.finished(id);
      expect(record).toMatchObject({
        status: 'failed',
        outcome: { ended: 'lost', started: true, retry_safe: false, kill: { survivors: 0 } },
      });
      expect(record.result?.error_summary).toContain('supervisor');
      expect(record.outcome?.stdout?.bytes).toBe(9);
      await expectSound(parts.app, record);
    }
    expect(processesWith(word)).toEqual([]);
    const next = await parts.sh('echo fine');
    expect(next.status).toBe('succeeded');
    await expectSound(parts.app, next);
  });

  test('between two runs is replaced without anyone noticing', async () => {
    expect((await parts.run(['true'])).status).toBe('succeeded');
    process.kill(supervisorOf(parts.app.dataDir), 'SIGKILL');
    for (let i = 0; i < 5; i++) expect((await parts.run(['true'])).status).not.toBe('pending');
    expect((await parts.run(['true'])).status).toBe('succeeded');
  });
});
