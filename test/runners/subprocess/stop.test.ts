import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { commandLine, processesWith, until } from '../../helpers/processes.ts';
import { withSubprocesses } from '../../helpers/subprocess-suite.ts';

/** A word to find the processes of a test by, an argument of a shell that ends with its sleep. */
const mark = (): string => `mark-${randomUUID()}`;
/** A shell command that stays, found by the word. */
const stays = (word: string): string => `sh -c 'sleep 60; true' ${word}`;

withSubprocesses('Stopping a subprocess', (parts) => {
  const { sh, start, said, finished } = {
    sh: (...args: Parameters<typeof parts.sh>) => parts.sh(...args),
    start: (...args: Parameters<typeof parts.start>) => parts.start(...args),
    said: (...args: Parameters<typeof parts.said>) => parts.said(...args),
    finished: (...args: Parameters<typeof parts.finished>) => parts.finished(...args),
  };

  test('SIGTERM comes first, and a program that obeys is not killed', async () => {
    const record = await sh('trap "echo bye; exit 0" TERM; while :; do sleep 0.05; done', {
      timeout_seconds: 0.5,
    });
    expect(record.status).toBe('timed_out');
    expect(record.outcome?.kill).toEqual({ signals: ['SIGTERM'], survivors: 0 });
    expect(await parts.stdout(record)).toBe('bye\n');
  });

  test('a program that ignores SIGTERM is killed after the grace', async () => {
    const record = await sh('trap "" TERM; while :; do sleep 0.05; done', {
      timeout_seconds: 0.3,
      options: { kill_grace_seconds: 0.3 },
    });
    expect(record.outcome).toMatchObject({
      signal: 'SIGKILL',
      exit_code: -9,
      kill: { signals: ['SIGTERM', 'SIGKILL'], survivors: 0 },
    });
  });

  test('a grace of 0 is SIGKILL at once', async () => {
    const record = await sh('sleep 60', { timeout_seconds: 0.3, options: { kill_grace_seconds: 0 } });
    expect(record.outcome?.kill).toEqual({ signals: ['SIGKILL'], survivors: 0 });
  });

  test('a stopped process is ended too', async () => {
    const record = await sh('kill -STOP $$', { timeout_seconds: 0.3, options: { kill_grace_seconds: 5 } });
    expect(record.outcome).toMatchObject({ signal: 'SIGTERM', kill: { signals: ['SIGTERM'], survivors: 0 } });
  });

  test('the group keeps its grace when the leader ends at once', async () => {
    const record = await sh(
      `sh -c 'trap "sleep 0.4; echo saved; exit" TERM; while :; do sleep 0.05; done' & sleep 60`,
      {
        timeout_seconds: 0.5,
        options: { kill_grace_seconds: 10 },
      },
    );
    expect(await parts.stdout(record)).toBe('saved\n');
    expect(record.outcome?.kill).toEqual({ signals: ['SIGTERM'], survivors: 0 });
  });

  test('a second cancel may shorten the grace', async () => {
    const id = await start(['sh', '-c', 'trap "" TERM; echo up; while :; do sleep 0.05; done'], {
      options: { kill_grace_seconds: 600 },
    });
    await said(id, 'up');
    parts.app.engine.cancel(id);
    parts.app.engine.cancel(id, 0.1);
    const record = await finished(id);
    expect(record).toMatchObject({ status: 'cancelled', outcome: { signal: 'SIGKILL' } });
  });

  const escapes = {
    'in the same group': (word: string) => `${stays(word)} &`,
    'in a session of its own': (word: string) => `setsid ${stays(word)} &`,
    'forked twice': (word: string) => `(setsid ${stays(word)} &)`,
    'forked twice, with a wiped environment': (word: string) =>
      `(env -i setsid sh -c 'sh -c "sleep 60; true" ${word} & sh -c "sleep 60; true" ${word} &' &)`,
    'without the pipes': (word: string) => `(env -i setsid ${stays(word)} </dev/null >/dev/null 2>&1 &)`,
    'in a group of its own': (word: string) =>
      `perl -e 'setpgrp(0,0); exec "sh", "-c", "sleep 60; true", "${word}"' &`,
  };
  for (const [how, script] of Object.entries(escapes)) {
    test(`a process that was left ${how} is gone when the leader has exited`, async () => {
      const word = mark();
      const record = await sh(
        `${script(word)}
sleep 0.2; exit 7`,
      );
      expect(record).toMatchObject({ status: 'failed', outcome: { exit_code: 7, ended: 'exited' } });
      expect(record.outcome?.kill).toEqual({ signals: ['SIGKILL'], survivors: 0 });
      expect(processesWith(word)).toEqual([]);
    });

    test(`a process that was left ${how} is gone after a timeout`, async () => {
      const word = mark();
      const record = await sh(
        `trap "" TERM; ${script(word)}
sleep 60; sleep 60`,
        {
          timeout_seconds: 1,
          options: { kill_grace_seconds: 0.2 },
        },
      );
      expect(record.status).toBe('timed_out');
      expect(record.outcome?.kill?.survivors).toBe(0);
      expect(processesWith(word)).toEqual([]);
    });
  }

  test('a descendant that floods the pipe holds nobody', async () => {
    const record = await sh('yes & exit 3', { options: { max_output_bytes: 1000 } });
    expect(record.outcome).toMatchObject({ exit_code: 3, stdout: { kept: 1000 }, kill: { survivors: 0 } });
  });

  test('processes of other runs stay, also those with a session of their own', async () => {
    const word = mark();
    // One process each: a shell would for a moment be two of the same name, while it starts its sleep.
    const daemon = `perl -e 'sleep 60' ${word}`;
    const id = await start([
      'sh',
      '-c',
      `(env -i setsid ${daemon} &) ; setsid ${daemon} & echo up; sleep 60`,
    ]);
    await said(id, 'up');
    const daemons = () => processesWith(word).filter((pid) => commandLine(pid)[0] === 'perl');
    await until(() => daemons().length === 2, 'both daemons are there');
    const before = daemons();
    await sh('setsid sleep 60 & exit 0');
    await sh('trap "" TERM; sleep 60; sleep 60', {
      timeout_seconds: 0.2,
      options: { kill_grace_seconds: 0.1 },
    });
    expect(daemons()).toEqual(before);
    parts.app.engine.cancel(id, 0);
    expect((await finished(id)).outcome?.kill?.survivors).toBe(0);
    expect(processesWith(word)).toEqual([]);
  });

  test('a fast fork chain is caught', async () => {
    const word = mark();
    // Each link starts the next in a new session and ends.
    const link = `use POSIX; $0 = "${word}"; for (1 .. 100000) { my $pid = fork; exit if $pid; POSIX::setsid(); select undef, undef, undef, 0.002 }`;
    const record = await sh(`perl -e '${link}' & exit 0`);
    expect(record.outcome?.exit_code).toBe(0);
    await sleep(50);
    expect(processesWith(word)).toEqual([]);
  });
});
