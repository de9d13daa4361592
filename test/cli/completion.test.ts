import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALL } from '../../cli/all-commands.ts';
import { completionOf } from '../../cli/completion/candidates.ts';
import { commandLine } from '../../cli/program.ts';
import { clientServer, sh, TOKEN } from '../helpers/client-server.ts';
import { BIN, runwire } from '../helpers/command-line.ts';
import { requires } from '../helpers/require.ts';
import { terminal } from '../helpers/terminal.ts';

const server = clientServer();
const variables = () => ({ RUNWIRE_URL: server.url, RUNWIRE_TOKEN: TOKEN });

async function candidates(words: string[], env: Record<string, string> = variables()): Promise<string[]> {
  const asked = runwire(['__complete', '--limit', '20s', '--', ...words], env);
  expect(await asked.ended).toBe(0);
  expect(asked.stderr()).toBe('');
  const [, ...lines] = asked.stdout().toString().trimEnd().split('\n');
  return lines.map((line) => line.split('\t')[0] ?? '');
}

describe('What may be written next', () => {
  beforeAll(async () => {
    await server.rw.run({ ...sh('true'), invocation_id: 'first-run' });
    await server.rw.run({ ...sh('true'), invocation_id: 'second-run' });
    await server.rw.workspaces.create({ workspace_id: 'the-workspace' });
    await server.rw.environmentSpecs.put('the-spec', { runtime_kind: 'subprocess' });
    await server.rw.sessions.create({ session_id: 'the-session', runtime_kind: 'subprocess' });
  });

  test('is every command and every flag that there is, and no other', async () => {
    const all = async (words: string[]) =>
      (await completionOf(program, words, 0)).candidates.map(({ word }) => word);
    const shown = (command: Command) => command.createHelp().visibleCommands(command);
    const walk = (command: Command, words: string[]): [Command, string[]][] =>
      shown(command).flatMap((one) => {
        const path = [...words, one.name()];
        return [[one, path] as [Command, string[]], ...walk(one, path)];
      });
    const program = commandLine(ALL);
    expect(await candidates([''])).toEqual(await all(['']));
    expect(await all([''])).toEqual(shown(program).map((one) => one.name()));
    for (const [command, path] of walk(program, [])) {
      if (command.name() === 'help') continue;
      const flags = command
        .createHelp()
        .visibleOptions(command)
        .map(({ long, short }) => long ?? short);
      expect(await all([...path, '-']), path.join(' ')).toEqual(flags);
      if (command.commands.length > 0)
        expect(await all([...path, ''])).toEqual(shown(command).map((one) => one.name()));
    }
  });

  test.each([
    [['sh'], ['show']],
    [['ls', '--stat'], ['--status']],
    [['ls', '--status', 's'], ['succeeded']],
    [['ls', '--status=s'], ['--status=succeeded']],
    [
      ['ls', '-qo', 'json'],
      ['json', 'jsonl'],
    ],
    [['show', 'f'], ['first-run']],
    [['cancel', 'first-run', ''], ['second-run', 'the-setup'].slice(0, 1)],
    [['show', 'first-run', ''], []],
    [['run', '--session', 'the'], ['the-session']],
    [['run', '--workspace=the-w'], ['--workspace=the-workspace']],
    [['run', '--spec', ''], ['the-spec']],
    [['run', '--kind', 'sub'], ['subprocess']],
    [['run', '--', 'ls', '--'], []],
    [['run', 'ls', '--'], []],
    [
      ['signal', 'US'],
      ['USR1', 'USR2'],
    ],
    [['completion', 'f'], ['fish']],
    [['runtime', 'l'], ['list']],
  ])('after %j is %j', async (words, expected) => {
    const found = await candidates(words);
    // The session was set up by a run of its own.
    expect(words[0] === 'cancel' ? found.filter((word) => word.endsWith('-run')) : found).toEqual(expected);
  });

  test('is nothing where the server cannot be asked, without a word', async () => {
    expect(await candidates(['show', ''], { RUNWIRE_URL: 'http://127.0.0.1:9' })).toEqual([]);
    expect(await candidates(['show', ''], { RUNWIRE_URL: server.url, RUNWIRE_TOKEN: 'wrong' })).toEqual([]);
    expect(await candidates(['show', ''], { RUNWIRE_URL: 'no address' })).toEqual([]);
    const words = ['show', '--server', server.url, '--token', TOKEN, 'fi'];
    expect(await candidates(words, { RUNWIRE_URL: 'http://127.0.0.1:9' })).toEqual(['first-run']);
  });

  test('does not wait for a server that does not answer', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    const asked = runwire(['__complete', '--', 'show', ''], { RUNWIRE_URL: `http://127.0.0.1:${port}` });
    expect(await asked.ended).toBe(0);
    expect(asked.stdout().toString()).toBe('-\n');
    silent.close();
  });
});

describe('A shell', () => {
  const place = mkdtempSync(join(tmpdir(), 'runwire-completion-'));
  writeFileSync(join(place, 'runwire'), `#!/bin/sh\nexec ${process.execPath} ${BIN} "$@"\n`);
  chmodSync(join(place, 'runwire'), 0o755);
  writeFileSync(join(place, 'a-file'), '');
  afterAll(() => rmSync(place, { recursive: true, force: true }));
  const env = () => ({ ...variables(), PATH: `${place}:${process.env.PATH}`, HOME: place });

  requires('script')('of bash', () => {
    test('completes what is there: commands, flags, their values, ids, files', async () => {
      const bash = terminal(`cd ${place}; PS1='$ ' bash --norc --noprofile -i`, env(), { columns: 200 });
      await expect.poll(() => bash.bytes()).toContain('$ ');
      bash.type('source <(runwire completion bash); echo read\n');
      await expect.poll(() => bash.bytes()).toMatch(/[\r\n]read/);
      for (const [keys, line] of [
        ['runwire sho', 'runwire show '],
        ['runwire ls --stat', 'runwire ls --status '],
        ['runwire ls --status=suc', 'runwire ls --status=succeeded '],
        ['runwire show sec', 'runwire show second-run '],
        ['runwire run --session the-s', 'runwire run --session the-session '],
        ['runwire run -- cat a-f', 'runwire run -- cat a-file '],
      ] as const) {
        bash.type(keys);
        // A server that did not answer in a second is asked again by the next key.
        const completed = () => {
          bash.type('\t');
          return bash.bytes();
        };
        await expect.poll(completed, { interval: 3000 }).toContain(line);
        bash.type('\x15');
      }
      bash.type('exit\n');
      expect(await bash.ended).toBe(0);
    });
  });

  requires('script', 'zsh')('of zsh', () => {
    test('does the same', async () => {
      const zsh = terminal(`cd ${place}; PS1='$ ' zsh -f -i`, env(), { columns: 200 });
      await expect.poll(() => zsh.bytes()).toContain('$ ');
      zsh.type('autoload -U compinit; compinit -u; source <(runwire completion zsh); echo read\n');
      await expect.poll(() => zsh.bytes()).toMatch(/[\r\n]read/);
      for (const [keys, line] of [
        ['runwire sho', 'show'],
        ['runwire ls --status=suc', '--status=succeeded'],
        ['runwire show sec', 'second-run'],
        ['runwire run -- cat a-f', 'a-file'],
      ] as const) {
        zsh.type(keys);
        // A server that did not answer in a second is asked again by the next key.
        const completed = () => {
          zsh.type('\t');
          return zsh.bytes();
        };
        await expect.poll(completed, { interval: 3000 }).toContain(line);
        zsh.type('\x15');
      }
      zsh.type('exit\n');
      expect(await zsh.ended).toBe(0);
    });
  });

  requires('fish')('of fish', () => {
    test.each([
      ['runwire sho', 'show\tall of a run on one screen, why it failed first'],
      ['runwire ls --status=suc', '--status=succeeded'],
      ['runwire show sec', 'second-run\tsucceeded sh -c true'],
      ['runwire run -- cat a-f', 'a-file'],
    ])('completes %s to %s', async (line, expected) => {
      const script = `runwire completion fish | source; complete -C '${line}'`;
      const options = { cwd: place, encoding: 'utf8', env: env() } as const;
      const completed = () => spawnSync('fish', ['--no-config', '-c', script], options).stdout.trimEnd();
      await expect.poll(completed).toBe(expected);
    });
  });
});
