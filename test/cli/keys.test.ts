import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { clientServer, TOKEN } from '../helpers/client-server.ts';
import { BIN } from '../helpers/command-line.ts';
import { compileCache } from '../helpers/compiled-once.ts';
import { requires } from '../helpers/require.ts';
import { startServer } from '../helpers/server-process.ts';

interface Terminal {
  child: ChildProcess;
  shown(): string;
  type(keys: string): void;
  ended: Promise<number | null>;
}

/** A line of bash on a real pseudo-terminal, as its session's first process: keys become signals of its process group. */
function terminal(line: string, variables: Record<string, string>): Terminal {
  const script = `runwire() { ${process.execPath} ${BIN} "$@"; }; ${line}`;
  const child = spawn('script', ['-qefc', script, '/dev/null'], {
    env: { PATH: process.env.PATH, SHELL: '/bin/bash', TERM: 'xterm', ...compileCache(), ...variables },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (part) => {
    shown += part;
  });
  child.stdin.on('error', () => {});
  return {
    child,
    shown: () => shown.replaceAll('\r\n', '\n'),
    type: (keys) => child.stdin.write(keys),
    ended: new Promise((resolve) => child.once('close', resolve)),
  };
}

const CTRL_C = '\x03';
const CTRL_D = '\x04';
/** A Ctrl-C that comes as soon after another is taken for the same. */
const apart = () => new Promise((resolve) => setTimeout(resolve, 300));

requires('script')('On a terminal', () => {
  const server = clientServer();
  const start = (line: string) => terminal(line, { RUNWIRE_URL: server.url, RUNWIRE_TOKEN: TOKEN });
  const stubborn = 'trap "echo asked" TERM; echo ready; while :; do sleep 0.1; done';

  test('Ctrl-C cancels a run: what it says then is shown, and the code is 130', async () => {
    const screen = start(
      `runwire run -- sh -c 'trap "echo bye; exit 0" TERM; echo ready; while :; do sleep 0.1; done'`,
    );
    await expect.poll(screen.shown).toContain('ready\n');
    screen.type(CTRL_C);
    expect(await screen.ended).toBe(130);
    expect(screen.shown()).toMatch(/cancelling \S+; Ctrl-C again kills it\n[\s\S]*bye\n/);
  });

  test('a second Ctrl-C kills it', async () => {
    const screen = start(`runwire run --grace 600s -- sh -c '${stubborn}'`);
    await expect.poll(screen.shown).toContain('ready\n');
    screen.type(CTRL_C);
    await expect.poll(screen.shown).toContain('asked\n');
    await apart();
    screen.type(CTRL_C);
    expect(await screen.ended).toBe(130);
    expect(screen.shown()).toContain('; Ctrl-C again leaves it to the server\n');
  });

  test('lines that are typed reach a program with -i, and Ctrl-D ends its input', async () => {
    const screen = start(
      `runwire run -i -- sh -c 'echo ready; while read line; do echo "<$line>"; done; echo over'`,
    );
    await expect.poll(screen.shown).toContain('ready\n');
    screen.type('one two\n');
    await expect.poll(screen.shown).toContain('<one two>\n');
    screen.type(`three\n${CTRL_D}`);
    expect(await screen.ended).toBe(0);
    expect(screen.shown()).toMatch(/<three>\nover\n$/);
  });

  test('without -i the terminal stays with who has it: what is typed is for the next command', async () => {
    const screen = start(`runwire run -- sh -c 'echo ready; cat; sleep 1'; read line; echo "<$line>"`);
    await expect.poll(screen.shown).toContain('ready\n');
    screen.type('for the shell\n');
    expect(await screen.ended).toBe(0);
    expect(screen.shown()).toContain('<for the shell>\n');
  });

  test('a terminal that is closed leaves the run to the server', async () => {
    const screen = start(`runwire run --name left -- sh -c 'echo ready; exec sleep 600'`);
    await expect.poll(screen.shown).toContain('ready\n');
    screen.child.kill('SIGKILL'); // the terminal is closed with it
    await screen.ended;
    const [record] = await server.rw.list({ runtime_name: 'left' }).toArray(1);
    expect(record?.status).toBe('running');
    await server.rw.attach(record?.invocation.invocation_id ?? '').cancel({ graceSeconds: 0 });
  });

  test('the third Ctrl-C leaves a run whose server does not answer', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'runwire-cli-'));
    const silent = await startServer(dataDir);
    try {
      const screen = terminal(`runwire run -- sh -c '${stubborn}'`, { RUNWIRE_URL: silent.address });
      await expect.poll(screen.shown).toContain('ready\n');
      silent.child.kill('SIGSTOP');
      for (let n = 0; n < 3; n++) {
        screen.type(CTRL_C);
        await apart();
      }
      expect(await screen.ended).toBe(130);
      expect(screen.shown()).toContain('; Ctrl-C again leaves it to the server\n');
    } finally {
      silent.child.kill('SIGCONT');
      await silent.stop();
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
