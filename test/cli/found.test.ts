import { describe, expect, test } from 'vitest';
import { clientServer, sh, TOKEN } from '../helpers/client-server.ts';
import { runwire } from '../helpers/command-line.ts';

const server = clientServer();
const did = async (words: string[]) => {
  const run = runwire(words, { RUNWIRE_URL: server.url, RUNWIRE_TOKEN: TOKEN });
  const code = await run.ended;
  return { code, stdout: run.stdout().toString(), stderr: run.stderr() };
};
const ids = async (words: string[]): Promise<string[]> =>
  (await did([...words, '-q'])).stdout.split('\n').filter((id) => id !== '');

describe('runwire ls', () => {
  test('finds runs by label, name, kind, status and time, over many pages, newest first', async () => {
    const made: string[] = [];
    for (let n = 0; n < 130; n++) {
      const metadata = { set: 'pages', third: String(n % 3) };
      const name = n === 5 ? 'a name' : 'one of many';
      const run = await server.rw.submit({ ...sh(n === 7 ? 'exit 1' : ':'), runtime_name: name, metadata });
      made.unshift(run.id);
    }
    await Promise.all(made.map((id) => server.rw.attach(id).wait()));
    expect(await ids(['ls', '-n', '1000', '-l', 'set=pages'])).toEqual(made);
    expect(await ids(['ls', '-n', '7', '-l', 'set=pages'])).toEqual(made.slice(0, 7));
    expect(await ids(['ls', '-l', 'set=pages'])).toEqual(made.slice(0, 50));
    expect(await ids(['ls', '-n', '0', '-l', 'set=pages'])).toEqual([]);
    const third = made.filter((_, at) => (129 - at) % 3 === 1);
    expect(await ids(['ls', '-n', '1000', '-l', 'set=pages', '-l', 'third=1'])).toEqual(third);
    expect(await ids(['ls', '-l', 'set=nothing'])).toEqual([]);
    expect(await ids(['ls', '--name', 'a name'])).toEqual([made[124]]);
    expect(await ids(['ls', '--status', 'failed', '-l', 'set=pages'])).toEqual([made[122]]);
    expect(await ids(['ls', '--kind', 'manual', '-l', 'set=pages'])).toEqual([]);
    expect(await ids(['ls', '-n', '1000', '-l', 'set=pages', '--since', '1h'])).toEqual(made);
    expect(await ids(['ls', '--since', '2999-01-01T00:00:00Z'])).toEqual([]);
  });

  test('has what it finds as a table, as JSON, as JSON Lines: the same', async () => {
    const runs = [];
    for (const name of ['first', 'second'])
      runs.push(await server.rw.run({ ...sh('exit 3'), runtime_name: name, metadata: { set: 'forms' } }));
    const of = ['ls', '-l', 'set=forms'];
    const array = JSON.parse((await did([...of, '-o', 'json'])).stdout);
    const lines = (await did([...of, '-o', 'jsonl'])).stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(array);
    expect(array).toMatchObject([
      { invocation: { runtime_name: 'second' } },
      { invocation: { runtime_name: 'first' } },
    ]);
    const table = (await did(of)).stdout.split('\n');
    expect(table[0]).toMatch(/^ID +NAME +KIND +STATUS +AGE +TOOK +COMMAND/);
    expect(table.slice(1)).toEqual([
      expect.stringMatching(/^\S+ +second +subprocess +failed \(3\) +\S+ +\S+ +sh -c 'exit 3'$/),
      expect.stringMatching(/^\S+ +first +subprocess +failed \(3\) /),
      '',
    ]);
    expect(JSON.parse((await did(['ls', '-l', 'set=nothing', '-o', 'json'])).stdout)).toEqual([]);
    expect((await did(['ls', '-l', 'set=nothing', '-o', 'jsonl'])).stdout).toBe('');
  });

  test('shows no control character of a name, a command, a label', async () => {
    const odd = 'a\x1b[31mb\nc\u202ed\x9be';
    const { invocation } = await server.rw.run({
      ...{ runtime_kind: 'subprocess', runtime_name: odd, command: ['echo', '\x07\x1b]0;title\x07'] },
      metadata: { set: 'odd', '\x1bkey': '\x1bvalue' },
    });
    for (const words of [
      ['ls', '-l', 'set=odd'],
      ['show', invocation.invocation_id],
    ]) {
      const { stdout } = await did(words);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      expect(stdout).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
      expect(stdout).toContain('a\\u001b[31mb\\nc\\u202ed\\u009be');
    }
    expect(
      JSON.parse((await did(['ls', '-l', 'set=odd', '-o', 'jsonl'])).stdout).invocation.runtime_name,
    ).toBe(odd);
  });

  test.each([
    [['ls', '--status', 'well']],
    [['ls', '-l', 'no-value']],
    [['ls', '--since', 'yesterday']],
    [['ls', '-n', '-1']],
    [['ls', '-o', 'xml']],
    [['ls', 'what']],
  ])('refuses %j', async (words) => {
    const { code, stdout, stderr } = await did(words);
    expect([code, stdout, stderr === '']).toEqual([2, '', false]);
  });
});

describe('runwire logs', () => {
  test('has the last lines of each stream, one stream, times, and what comes', async () => {
    const { invocation } = await server.rw.run(sh('seq 100000; printf no-break; seq 3 >&2'));
    const id = invocation.invocation_id;
    expect(await did(['logs', '-n', '2', id])).toMatchObject({
      stdout: '100000\nno-break',
      stderr: '2\n3\n',
    });
    expect(await did(['logs', '-n', '0', id])).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(await did(['logs', '-n', '9', '--stderr', id])).toMatchObject({ stdout: '', stderr: '1\n2\n3\n' });
    const timed = (await did(['logs', '-t', '--stdout', '-n', '2', id])).stdout;
    expect(timed).toMatch(/^\d{4}-\d\d-\d\dT\S+Z 100000\n\d{4}\S+Z no-break\n$/);
    const all = await did(['logs', '-f', id]);
    expect(all.stdout.split('\n').slice(0, 3)).toEqual(['1', '2', '3']);
    expect(all.stdout).toHaveLength(588_895 + 8);
  });
});
