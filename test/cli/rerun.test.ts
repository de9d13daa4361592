import { describe, expect, test } from 'vitest';
import { tarOf } from '../../client/runwire.ts';
import { clientServer, sh, TOKEN } from '../helpers/client-server.ts';
import { runwire } from '../helpers/command-line.ts';

describe('runwire rerun', () => {
  const server = clientServer();
  const start = (words: string[], stdin?: string) =>
    runwire(words, { RUNWIRE_URL: server.url, RUNWIRE_TOKEN: TOKEN }, stdin);
  const finished = async (invocation: Parameters<typeof server.rw.run>[0]) => {
    const record = await server.rw.run(invocation);
    return record.invocation.invocation_id;
  };

  test('does the same once more, in a directory of its own, and ends as it does', async () => {
    const script = 'pwd; echo $WORD; [ -e left ] && echo again; touch left; exit 4';
    const id = await finished({
      ...sh(script),
      environment: { WORD: 'one' },
      metadata: { a: 'b' },
      timeout_seconds: 60,
    });
    const run = start(['rerun', '--id', 'the-second', '-l', 'c=d', id]);
    expect(await run.ended).toBe(4);
    const [directory, ...lines] = run.stdout().toString().trimEnd().split('\n');
    expect(directory).toMatch(/\/runs\/the-second\/work$/);
    expect(lines).toEqual(['one']);
    const { invocation } = await server.rw.attach('the-second').refresh();
    expect(invocation).toMatchObject({
      command: ['sh', '-c', script],
      metadata: { a: 'b', c: 'd' },
      timeout_seconds: 60,
    });
  });

  test('has what is said otherwise', async () => {
    const id = await finished({
      ...sh('echo $A $B'),
      environment: { A: 'a', B: 'b' },
      options: { artifacts: ['x'] },
    });
    const options = '{"artifacts":null,"kill_grace_seconds":3}';
    const run = start([
      'rerun',
      '-d',
      '-e',
      'B=c',
      '--timeout',
      '1m',
      '--name',
      'n',
      '--options',
      options,
      id,
    ]);
    expect(await run.ended).toBe(0);
    const again = server.rw.attach(run.stdout().toString().trim());
    expect(again.id).not.toBe(id);
    const { invocation } = await again.wait();
    expect(await again.text()).toBe('a c\n');
    expect(invocation).toMatchObject({
      timeout_seconds: 60,
      runtime_name: 'n',
      options: { kill_grace_seconds: 3 },
    });
    expect(invocation.options).not.toHaveProperty('artifacts');
  });

  test('works in the same place of the same workspace or session, and with the same version of its environment spec', async () => {
    const workspace = await server.rw.workspaces.create();
    await workspace.put('below/here', 'a file');
    const within = { working_directory: 'below', options: { workspace: workspace.id } };
    const one = start(['rerun', await finished({ ...sh('cat here'), ...within })]);
    expect(await one.ended).toBe(0);
    expect(one.stdout().toString()).toBe('a file');

    const spec = (word: string) => ({ runtime_kind: 'subprocess', environment: { WORD: word } });
    await server.rw.environmentSpecs.put('of-rerun', spec('first'));
    const session = await server.rw.sessions.create({ environment_spec: 'of-rerun' });
    await session.ready();
    const command = ['sh', '-c', 'echo $WORD; pwd'];
    const ids = [
      await finished({ command, options: { environment_spec: 'of-rerun' } }),
      await finished({ command, options: { session: session.id } }),
    ];
    await server.rw.environmentSpecs.put('of-rerun', spec('second'));
    for (const id of ids) {
      const run = start(['rerun', id]);
      expect(await run.ended, run.stderr()).toBe(0);
      const [word, directory] = run.stdout().toString().split('\n');
      expect(word).toBe('first');
      expect(directory?.endsWith(`/workspaces/${session.record?.workspace_id}/tree`)).toBe(id === ids[1]);
    }
  });

  test('refuses what the server has not kept, or does not tell, by name', async () => {
    const id = 'fed-and-signed';
    const fed = await server.rw.submit({
      ...sh('cat', { stdin_open: true, on_finish: { url: 'http://127.0.0.1:9/', secret: 'not to be told' } }),
      invocation_id: id,
    });
    await fed.writeStdin('one\n');
    await fed.closeStdin();
    await fed.wait();
    const bare = start(['rerun', id]);
    expect(await bare.ended).toBe(125);
    expect(bare.stderr()).toContain('options.stdin_open: ');
    const unsigned = start(['rerun', id], 'two\n');
    expect(await unsigned.ended).toBe(125);
    expect(unsigned.stderr()).toContain('options.on_finish.secret ');
    const given = start(['rerun', '--options', '{"on_finish":null}', id], 'two\n');
    expect(await given.ended, given.stderr()).toBe(0);
    expect(given.stdout().toString()).toBe('two\n');
    const without = start(['rerun', '--no-stdin', '--options', '{"on_finish":null}', id]);
    expect(await without.ended).toBe(0);
    expect(without.stdout().toString()).toBe('');
  });

  test('says when files were sent beside the first, which it has not', async () => {
    const files = [{ path: 'named', text: 'in the invocation' }];
    const archive = tarOf([{ path: 'beside', body: 'sent' }]);
    const whole = { ...sh('sleep 0.1; touch own; cat beside', { files }), invocation_id: 'with-files' };
    await server.rw.run(whole, { archive });
    const run = start(['rerun', 'with-files']);
    expect(await run.ended).toBe(1);
    expect(run.stderr()).toMatch(
      /^runwire: files that were sent beside with-files are not sent again, .*: beside\n/,
    );
    await server.rw.run({ ...whole, invocation_id: 'without' });
    const without = start(['rerun', 'without']);
    await without.ended;
    expect(without.stderr()).not.toContain('beside without');
  });

  test('has numbers as they were sent, whatever JavaScript makes of them', async () => {
    const body = '{"large":12345678901234567890,"small":1.0,"less":-0}';
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const document = `{"invocation_id":"exact","runtime_kind":"http","options":{"http":{"url":"http://127.0.0.1:9/","body":${body}}}}`;
    await fetch(`${server.url}/invocations`, { method: 'POST', headers, body: document });
    const run = start(['rerun', '--dry-run', 'exact']);
    expect(await run.ended).toBe(0);
    expect(run.stdout().toString()).toContain(`"body":${body}`);
  });
});
