import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { widthOf } from '../../cli/process/width.ts';
import { clientServer, sh, TOKEN } from '../helpers/client-server.ts';
import { requires } from '../helpers/require.ts';
import { type ServerProcess, startServer } from '../helpers/server-process.ts';
import { type Terminal, terminal } from '../helpers/terminal.ts';

const CTRL_C = '\x03';
const last = (terminal: Terminal): string | undefined => terminal.screen().findLast((line) => line !== '');

requires('script')('On a terminal', () => {
  const server = clientServer({ RUNWIRE_MAX_CONCURRENT: '1' });
  const place = mkdtempSync(join(tmpdir(), 'runwire-terminal-'));
  afterAll(() => rmSync(place, { recursive: true, force: true }));
  const at = (line: string, variables = {}, size = {}) =>
    terminal(line, { RUNWIRE_URL: server.url, RUNWIRE_TOKEN: TOKEN, ...variables }, size);

  test('run says whom it waits for, and nothing of that is left when the program writes', async () => {
    const first = await server.rw.submit(sh('sleep 600'));
    await expect.poll(async () => (await first.refresh()).status).toBe('running');
    const waiting = at('runwire run -- echo hello');
    await expect.poll(() => last(waiting)).toContain(`waits for a place, after ${first.id}`);
    await first.cancel({ graceSeconds: 0 });
    expect(await waiting.ended).toBe(0);
    expect(waiting.screen()).toEqual(['hello', '']);
  });

  test('run says which command of its setup is at work, below what the setup writes', async () => {
    const go = join(place, 'go');
    const setup = [`echo one`, `echo two; while [ ! -e ${go} ]; do sleep 0.1; done`];
    const options = JSON.stringify({ setup: { commands: setup } }).replaceAll('"', '\\"');
    const running = at(`runwire run --options "${options}" -- echo hello`);
    await expect
      .poll(() => running.screen())
      .toEqual(['one', 'two', expect.stringContaining('setup: command 2 of 2')]);
    writeFileSync(go, '');
    expect(await running.ended).toBe(0);
    expect(running.screen()).toEqual(['one', 'two', 'hello', '']);
  });

  test('what a run is waited for is told beside a pipe on stdout too, and never in one on stderr', async () => {
    const file = join(place, 'errors');
    const seen = join(place, 'seen');
    const drawn = at(
      `runwire run -- sh -c 'while [ ! -e ${seen} ]; do sleep 0.1; done; echo hello' > ${file}`,
    );
    await expect.poll(() => last(drawn)).toMatch(/ runs/);
    writeFileSync(seen, '');
    expect(await drawn.ended).toBe(0);
    expect(drawn.screen()).toEqual(['']);
    const blind = ['2>', 'TERM=dumb', 'NO_COLOR=1'].map((how) =>
      how === '2>'
        ? at(`runwire run -- sleep 1 2> ${file}`)
        : at('runwire run -- sleep 1', Object.fromEntries([how.split('=')])),
    );
    for (const one of blind) {
      expect(await one.ended).toBe(0);
      expect(one.bytes()).toBe('');
    }
    expect(statSync(file).size).toBe(0);
  });

  test('wait says how many of several it waits for, and has a line for each below one another', async () => {
    const first = await server.rw.submit(sh('sleep 600'));
    const second = await server.rw.submit(sh('exit 3'));
    const waiting = at(`runwire wait ${first.id} ${second.id}`);
    await expect.poll(() => last(waiting)).toContain('waits for 2 of 2 runs');
    await first.cancel({ graceSeconds: 0 });
    expect(await waiting.ended).toBe(130);
    expect(waiting.screen()).toEqual([
      expect.stringMatching(new RegExp(`^${first.id} +cancelled +cancelled$`)),
      expect.stringMatching(new RegExp(`^${second.id} +failed +exited with code 3$`)),
      '',
    ]);
  });

  test('Ctrl-C while it waits cancels, tells so on a line of its own, and leaves nothing else', async () => {
    const running = at('runwire run -- sleep 600');
    await expect.poll(() => last(running)).toMatch(/ runs/);
    running.type(CTRL_C);
    expect(await running.ended).toBe(130);
    expect(running.screen()).toEqual([
      expect.stringMatching(/^runwire: cancelling \S+; Ctrl-C again kills it$/),
      'runwire: cancelled: cancelled',
      '',
    ]);
  });

  test('show fits on 24 lines of 80 columns, whatever the run is called, labelled and has written', async () => {
    const script = `# ${'long '.repeat(500)}\nseq 500 >&2; printf '\\033[2J日本語日本語 %0200d\\n' 5 >&2; exit 3`;
    const run = await server.rw.submit({
      ...sh(script),
      runtime_name: '\u001b[31m名前'.repeat(20),
      metadata: Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`label${at}`, '值\n'.repeat(9)])),
    });
    await run.wait();
    const shown = at(`runwire show ${run.id}`, { NO_COLOR: '1' });
    expect(await shown.ended).toBe(0);
    const lines = shown.bytes().split('\r\n');
    expect(lines.pop()).toBe('');
    expect(lines.length).toBeLessThanOrEqual(23);
    expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(80);
    expect(lines).toContain('status    failed (3)');
    expect(lines).toContain('last lines of stderr');
    expect(lines.at(-2)).toBe('  500');
    expect(lines.at(-1)).toMatch(/^ {2}\\u001b\[2J日本語日本語 0+…$/);
  });

  test('what became of a run has a colour, unless NO_COLOR', async () => {
    const run = await server.rw.submit(sh('exit 3'));
    await run.wait();
    for (const line of [`runwire show ${run.id}`, 'runwire ls -n 1']) {
      const coloured = at(line);
      await coloured.ended;
      expect(coloured.bytes(), line).toContain('\x1b[31mfailed (3)\x1b[39m');
      const plain = at(line, { NO_COLOR: '1' });
      await plain.ended;
      expect(plain.bytes(), line).not.toContain('\x1b');
    }
  });

  test('ls --watch draws runs in their place as they change, until Ctrl-C', async () => {
    const run = await server.rw.submit({ ...sh('sleep 600'), metadata: { watched: 'here' } });
    await expect.poll(async () => (await run.refresh()).status).toBe('running');
    const watching = at('runwire ls --watch -l watched=here');
    const line = (status: string) => expect.stringMatching(new RegExp(`^${run.id} +${status}`));
    const heading = expect.stringMatching(/^ID +STATUS/);
    await expect.poll(() => watching.screen()).toEqual([heading, line('running'), '']);
    await run.cancel({ graceSeconds: 0 });
    await expect.poll(() => watching.screen()).toEqual([heading, line('cancelled'), '']);
    watching.type(CTRL_C);
    expect(await watching.ended).toBe(130);
  });

  test('top has what goes on and how full the server is', async () => {
    const run = await server.rw.submit(sh('sleep 600'));
    await expect.poll(async () => (await run.refresh()).status).toBe('running');
    const top = at('runwire top');
    await expect
      .poll(() => top.screen()[0])
      .toMatch(/^programs 1 of 1 · calls 0 of 1000 · waiting 0 · server /);
    await expect.poll(() => top.screen()[3]).toMatch(new RegExp(`^${run.id} +running`));
    await run.cancel({ graceSeconds: 0 });
    await expect.poll(() => top.screen().join('\n')).not.toContain(run.id);
    top.type(CTRL_C);
    expect(await top.ended).toBe(130);
  });

  test('prune asks, and takes no answer but yes', async () => {
    const run = await server.rw.submit({ ...sh('true'), metadata: { pruned: 'one' } });
    await run.wait();
    const question = 'Remove 1 finished run, with output and files? [y/N]';
    for (const [keys, said] of [
      ['\r', 'runwire: nothing is removed'],
      ['y\r', 'runwire: 1 finished run is removed'],
    ] as const) {
      const asking = at('runwire prune -l pruned=one');
      await expect.poll(() => last(asking)).toBe(question);
      asking.type(keys);
      expect(await asking.ended).toBe(0);
      expect(last(asking)).toBe(said);
    }
    await expect(run.refresh()).rejects.toMatchObject({ code: 'invocation_removed' });
    await (await server.rw.submit({ ...sh('true'), metadata: { pruned: 'two' } })).wait();
    const left = at('runwire prune -l pruned=two');
    await expect.poll(() => last(left)).toContain('[y/N]');
    left.type(CTRL_C);
    expect(await left.ended).toBe(130);
  });
});

requires('script')('A server that goes away', () => {
  const place = mkdtempSync(join(tmpdir(), 'runwire-terminal-'));
  let server: ServerProcess;
  beforeAll(async () => {
    server = await startServer(join(place, 'data'), { RUNWIRE_ON_EXIT: 'leave' });
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(place, { recursive: true, force: true });
  });

  test('is told of while a run is waited for, and not when it is back', async () => {
    const go = join(place, 'go');
    const script = `while [ ! -e ${go} ]; do sleep 0.1; done; echo hello`;
    const running = terminal(`runwire run -- sh -c '${script}'`, { RUNWIRE_URL: server.address });
    await expect.poll(() => last(running)).toMatch(/ runs/);
    await server.stop('SIGKILL');
    await expect.poll(() => last(running)).toContain('the server is not reached: trying again');
    server = await startServer(join(place, 'data'), { RUNWIRE_PORT: new URL(server.address).port });
    await expect.poll(() => last(running)).toMatch(/ runs( \(\d+ s\))?$/);
    writeFileSync(go, '');
    expect(await running.ended).toBe(0);
    expect(running.screen()).toEqual(['hello', '']);
    expect(readFileSync(go, 'utf8')).toBe('');
  });
});
