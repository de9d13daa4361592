import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { buildApp } from '../../helpers/build-app.ts';
import { commandLine, supervisorOf, until, zombiesOf } from '../../helpers/processes.ts';
import { requires } from '../../helpers/require.ts';
import { subprocesses, withSubprocesses } from '../../helpers/subprocess-suite.ts';
import { asUser, processesOfUser, strangeUser } from './of-user.ts';

/** Perl that ends by itself after so long, whatever becomes of it. */
const LIFE_SECONDS = 60;
const PRELUDE = `use POSIX; $| = 1; my $end = time + ${LIFE_SECONDS};
sub stay { while (time < $end) { select undef, undef, undef, 0.5 } exit }
sub deaf { for (keys %SIG) { $SIG{$_} = 'IGNORE' unless /^(KILL|STOP|NUM|CLD|CHLD|ALRM)/ } }
sub up { syswrite STDOUT, "up\\n" }
`;
/** Runs the rest in a daemon: forked twice, in a session of its own. */
const DAEMON = 'if (fork == 0) { POSIX::setsid(); exit if fork; ';

/** What a program does, and how many processes of it there are then. */
const HOSTILE: Record<string, { perl: string; processes: number }> = {
  'ignores every signal it can': { perl: 'deaf; up; stay', processes: 1 },
  'forks twice, leaves the session and ignores every signal': {
    perl: `deaf; ${DAEMON} up; stay } stay`,
    processes: 2,
  },
  'fills its pipe and stops itself': {
    perl: `if (fork == 0) { up; syswrite STDOUT, 'x' x 300000; kill STOP => $$; stay } kill STOP => $$; stay`,
    processes: 2,
  },
  'changes its name': {
    perl: `${DAEMON} $0 = '[kworker/0:1]'; up; stay } $0 = ''; stay`,
    processes: 2,
  },
  'closes all its descriptors': {
    perl: `up; ${DAEMON} POSIX::close($_) for 0 .. 255; stay } POSIX::close($_) for 0 .. 255; stay`,
    processes: 2,
  },
  'wipes its environment and leaves its directory': {
    perl: `${DAEMON} chdir '/'; up; exec 'env', '-i', 'sleep', ${LIFE_SECONDS} } chdir '/'; up; exec 'env', '-i', 'sleep', ${LIFE_SECONDS}`,
    processes: 2,
  },
  'has daemons of daemons, each in a session and a group of its own': {
    perl: `for (1 .. 5) { ${DAEMON} for (1 .. 3) { ${DAEMON} POSIX::setpgid(0, 0); stay } } stay } } up; deaf; stay`,
    processes: 21,
  },
};

/** One that was missed at a look would have forked since. */
async function expectStayGone(user: number): Promise<void> {
  await sleep(200);
  expect(processesOfUser(user)).toEqual([]);
}

requires('linux', 'root')('A hostile program', () => {
  withSubprocesses('One that', (parts) => {
    const begin = async (perl: string, grace = 0.2) => {
      const user = strangeUser();
      const id = await parts.start(asUser(user, 'perl', '-e', PRELUDE + perl), {
        working_directory: '/tmp',
        timeout_seconds: LIFE_SECONDS,
        options: { kill_grace_seconds: grace, max_output_bytes: 1_000_000 },
      });
      return { id, user };
    };
    /** The run is over, says that nobody is left, and /proc says so too. */
    const expectGone = async (id: string, user: number) => {
      const record = await parts.finished(id);
      const left = processesOfUser(user);
      expect(record.outcome?.kill).toMatchObject({ survivors: 0 });
      expect(left).toEqual([]);
      await expectStayGone(user);
      await until(() => zombiesOf(supervisorOf(parts.app.dataDir)).length === 0, 'all are reaped');
      return record;
    };

    for (const [what, { perl, processes }] of Object.entries(HOSTILE)) {
      test(`${what} is gone after a cancel`, async () => {
        const { id, user } = await begin(perl);
        await parts.said(id, 'up');
        await until(() => processesOfUser(user).length === processes, 'all its processes are there');
        const cancelledAt = performance.now();
        parts.app.engine.cancel(id);
        expect((await expectGone(id, user)).status).toBe('cancelled');
        expect(performance.now() - cancelledAt).toBeLessThan(10_000);
      });
    }

    test('closes everything and lets a child hold the pipes is answered, and the child is gone', async () => {
      const { id, user } = await begin(`${DAEMON} deaf; up; stay } POSIX::close($_) for 0 .. 255; exit 3`);
      const record = await expectGone(id, user);
      expect(record).toMatchObject({ status: 'failed', outcome: { exit_code: 3, ended: 'exited' } });
      expect(await parts.stdout(record)).toBe('up\n');
    });

    test('starts processes for ever, each in a session of its own and soon dead, is gone when it has ended', async () => {
      const chains = `for (1 .. 4) { next if fork; while (time < $end) { POSIX::setsid(); exit if fork; select undef, undef, undef, 0.003 } exit } exit 5`;
      const { id, user } = await begin(chains);
      expect(await expectGone(id, user)).toMatchObject({ outcome: { exit_code: 5 } });
    });
  });

  test('that hides its daemon from every mark is gone, daemon and all, where orphans are adopted', async () => {
    const app = await buildApp({ config: { RUNWIRE_SPAWN: 'posix' } });
    try {
      const { start, said, finished } = subprocesses(app);
      const user = strangeUser();
      const hides = `if (fork == 0) { exec 'env', '-i', 'prlimit', '--rttime=unlimited:unlimited', 'setsid', '-f', 'sleep', ${LIFE_SECONDS} } wait; up; stay`;
      const id = await start(asUser(user, 'perl', '-e', PRELUDE + hides), { working_directory: '/tmp' });
      await said(id, 'up');
      const hidden = () => processesOfUser(user).filter((pid) => commandLine(pid)[0] === 'sleep');
      await until(() => hidden().length === 1, 'the daemon is there');
      expect(readFileSync(`/proc/${hidden()[0]}/limits`, 'utf8')).toMatch(
        /^Max realtime timeout\s+unlimited/m,
      );
      app.engine.cancel(id, 0);
      expect((await finished(id)).outcome?.kill).toEqual({ signals: ['SIGKILL'], survivors: 0 });
      expect(processesOfUser(user)).toEqual([]);
    } finally {
      await app.end();
    }
  });

  requires('prlimit')('A fork bomb', () => {
    const PROCESSES = 80;
    const bombs: Record<string, string> = {
      'in one group': 'while (time < $end) { fork }',
      'in a session for each': 'while (time < $end) { fork; POSIX::setsid() }',
      'whose processes die and are replaced': `for (1 .. 20) { fork } while (time < $end) { my $p = fork; POSIX::setsid(); exit if $p }`,
    };
    withSubprocesses('One that', (parts) => {
      for (const [how, bomb] of Object.entries(bombs))
        test(`forks ${how} is gone after the kill`, async () => {
          const user = strangeUser();
          const command = [
            'prlimit',
            `--nproc=${PROCESSES}:${PROCESSES}`,
            'perl',
            '-e',
            `${PRELUDE} up; ${bomb}`,
          ];
          const id = await parts.start(asUser(user, ...command), {
            working_directory: '/tmp',
            timeout_seconds: LIFE_SECONDS,
            options: { kill_grace_seconds: 0 },
          });
          await parts.said(id, 'up');
          await until(() => processesOfUser(user).length > PROCESSES / 2, 'it has gone off');
          const cancelledAt = performance.now();
          parts.app.engine.cancel(id);
          const record = await parts.finished(id);
          const took = performance.now() - cancelledAt;
          const left = processesOfUser(user);
          expect(record.outcome?.kill?.survivors).toBe(0);
          expect(left).toEqual([]);
          await expectStayGone(user);
          expect(took).toBeLessThan(20_000);
        });
    });
  });
});
