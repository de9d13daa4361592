import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientServer, TOKEN } from '../helpers/client-server.ts';
import { httpClient, type McpClient, MODERN } from '../helpers/mcp-client.ts';

describe('The tools of an agent', () => {
  const server = clientServer();
  let mcp: McpClient;
  beforeAll(async () => {
    mcp = await httpClient(MODERN, server.url, TOKEN);
  });
  afterAll(() => mcp?.[Symbol.asyncDispose]());
  const told = async (name: string, input: object = {}) => {
    const { facts, text, isError } = await mcp.call(name, input);
    expect([name, isError && text]).toEqual([name, false]);
    return facts;
  };
  const refused = async (name: string, input: object) => {
    const { text, isError } = await mcp.call(name, input);
    expect([name, isError]).toEqual([name, true]);
    return text;
  };

  test('say what they do to the world, and take no fields that they do not know', async () => {
    const { tools } = await mcp.client.listTools();
    for (const { name, description, annotations, inputSchema } of tools) {
      expect(name).toMatch(/^[a-z_]{3,20}$/);
      expect(description?.length).toBeGreaterThan(20);
      expect(inputSchema.additionalProperties).toBe(false);
      expect(annotations).toMatchObject({
        readOnlyHint: expect.any(Boolean),
        destructiveHint: expect.any(Boolean),
      });
    }
    const readOnly = tools.filter(({ annotations }) => annotations?.readOnlyHint).map(({ name }) => name);
    expect(readOnly).toEqual([
      ...['wait', 'output', 'grep', 'list', 'show', 'kinds', 'get_file', 'list_files', 'artifacts'],
      ...['workspace_list', 'workspace_diff', 'session_list'],
    ]);
    // A model reads all of it before it does anything.
    expect(JSON.stringify(tools.map(({ outputSchema: _, ...tool }) => tool)).length).toBeLessThan(24_000);
  });

  test('run: a script or a command, with files, environment and standard input', async () => {
    const files = [{ path: 'in/a.txt', text: 'of a file\n' }];
    const run = await told('run', {
      script: 'cat in/a.txt - ; echo $WHO',
      files,
      env: { WHO: 'me' },
      stdin: 'of stdin\n',
    });
    expect(run.output.text).toBe('of a file\nof stdin\nme\n');
    const plain = await told('run', { command: ['printf', '%s', '$HOME'] });
    expect(plain.output.text).toBe('$HOME');
    const late = await told('run', { script: 'sleep 600', timeout_seconds: 0.2 });
    expect(late).toMatchObject({
      status: 'timed_out',
      finished: true,
      why: expect.stringContaining('0.2 s'),
    });
  });

  test('run: options of an invocation go with what has a field of its own', async () => {
    const options = { stdin: 'given', artifacts: ['a*'] };
    const run = await told('run', { script: 'cat; echo > a.txt', options });
    expect(run).toMatchObject({ artifacts: 3, output: { text: 'given' } });
    expect((await told('run', { script: 'cat', options, stdin: 'own' })).output.text).toBe('own');
  });

  test('wait: a text that a run wrote before it ended is found, however soon it ended', async () => {
    const { id } = await told('run', { script: 'seq 1 300000; echo the text' });
    expect(await told('wait', { id, until_text: 'the text' })).toMatchObject({
      ...{ found_at: 1_988_895, finished: true },
    });
    expect(await told('wait', { id, until_text: 'no such text' })).toMatchObject({
      ...{ found_at: null, finished: true },
    });
  });

  test('run: what was not done is an error, and says why', async () => {
    expect(await refused('run', { command: ['no-such-program'] })).toMatch(/no such program/);
    expect(await refused('run', { command: ['true'], kind: 'no-such-kind' })).toMatch(/runtime_kind/);
    expect(await refused('run', {})).toMatch(/command/);
  });

  test('wait, stdin, signal and cancel steer what goes on', async () => {
    const script = "trap 'echo heard' USR1; echo ready; while read line; do echo got $line; done; echo end";
    const { id, finished, next } = await told('run', { script, stdin_open: true, wait_seconds: 0 });
    expect([finished, next]).toEqual([false, expect.stringContaining('wait')]);
    expect(await told('wait', { id, until_text: 'ready' })).toMatchObject({ found_at: 0, finished: false });
    await told('stdin', { id, text: 'one\n' });
    expect(await told('wait', { id, until_text: 'got one' })).toMatchObject({ found_at: 6 });
    expect(await told('wait', { id, until_text: 'never', wait_seconds: 0.2 })).toMatchObject({
      found_at: null,
    });
    await told('signal', { id, signal: 'SIGUSR1' });
    const end = await told('wait', { id });
    expect(end).toMatchObject({ status: 'succeeded', exit_code: 0 });
    expect(end.output.text).toContain('heard\n');
    expect(await refused('stdin', { id, text: 'x' })).toMatch(/\[not_running\]\nshow tells/);
    const other = await told('run', { script: 'sleep 600', wait_seconds: 0 });
    expect(await refused('stdin', { id: other.id, text: 'x' })).toMatch(/\[stdin_closed\]\n.*stdin_open/);
    await told('cancel', { id: other.id, grace_seconds: 0 });
    expect(await told('wait', { id: other.id })).toMatchObject({ status: 'cancelled' });
    await told('remove', { id: other.id });
    expect(await refused('show', { id: other.id })).toMatch(/\[invocation_removed\]/);
  });

  test('list and show find runs again', async () => {
    for (let n = 0; n < 3; n++) await told('run', { script: `exit ${n}`, name: 'listed' });
    const first = await told('list', { name: 'listed', limit: 2 });
    expect(first.runs).toMatchObject([{ exit_code: 2 }, { exit_code: 1 }]);
    const second = await told('list', { name: 'listed', limit: 2, cursor: first.next_cursor });
    expect([second.runs, second.next_cursor]).toMatchObject([[{ exit_code: 0 }], null]);
    expect((await told('list', { name: 'listed', status: 'failed' })).runs.length).toBe(2);
    const shown = await told('show', { id: first.runs[0].id });
    expect(shown).toMatchObject({
      command: 'sh -c exit 2',
      ended: 'exited',
      failure: { reason: 'exit_code' },
    });
    expect((await told('kinds')).kinds).toContainEqual(
      expect.objectContaining({ kind: 'subprocess', available: true }),
    );
  });

  test('grep searches what a run has written', async () => {
    const { id } = await told('run', { script: 'seq 1 5000; echo An ERROR here >&2' });
    const found = await told('grep', { id, texts: ['error', 'fail'], ignore_case: true, context: 1 });
    expect(found).toMatchObject({
      matches: 1,
      text: expect.stringContaining(':An ERROR here\n'),
      next_offset: null,
    });
    const output = await told('output', { id, offset: found.searched.to - 14 });
    expect(output.output.text).toBe('An ERROR here\n');
  });

  test('files of a workspace are written, read, listed, deleted, compared and put back', async () => {
    const { id: workspace } = await told('workspace_create');
    const files = [
      { path: 'src/a.txt', text: 'one ü\n' },
      { path: 'b.bin', base64: 'AAEC/w==' },
      { path: 'do.sh', text: '#!/bin/sh\necho done > made.txt\n', executable: true },
    ];
    expect(await told('put_files', { workspace, files })).toMatchObject({ files: 3 });
    const { id: snapshot } = await told('workspace_snapshot', { workspace });
    await told('run', { command: ['./do.sh'], workspace });
    expect(await told('get_file', { workspace, path: 'made.txt' })).toMatchObject({
      content: 'done\n',
      encoding: 'text',
    });
    expect(await told('get_file', { workspace, path: 'b.bin' })).toMatchObject({
      content: 'AAEC/w==',
      encoding: 'base64',
    });
    expect(await told('get_file', { workspace, path: 'src/a.txt', offset: 5 })).toMatchObject({
      content: '\n',
    });
    expect(await told('get_file', { snapshot, path: 'src/a.txt' })).toMatchObject({
      content: 'one ü\n',
      size_bytes: 7,
    });
    expect(await refused('get_file', { workspace, path: 'none' })).toMatch(/\[file_not_found\]\nlist_files/);
    expect((await told('list_files', { workspace, glob: '*.txt' })).files).toMatchObject([
      { path: 'made.txt', size_bytes: 5 },
    ]);
    expect((await told('workspace_diff', { workspace, snapshot })).patch).toContain('+done\n');
    await told('delete_file', { workspace, path: 'src', recursive: true });
    await told('workspace_restore', { workspace, snapshot });
    expect((await told('workspace_diff', { workspace, snapshot })).patch).toBe('');
    expect((await told('workspace_list')).workspaces).toMatchObject([{ id: workspace, files: 3 }]);
    const copy = await told('workspace_create', { workspace });
    expect(copy).toMatchObject({ state: 'ready', files: 3 });
    await told('workspace_remove', { workspace });
    expect(await refused('list_files', { workspace })).toMatch(/\[workspace_removed\]/);
  });

  test('a file that is longer than the budget is read in parts', async () => {
    const { id: workspace } = await told('workspace_create');
    const text = 'ü"\n'.repeat(3000);
    await told('put_files', { workspace, files: [{ path: 'long', text }] });
    let read = '';
    for (let offset: number | null = 0; offset !== null; ) {
      const { facts, text: words } = await mcp.call('get_file', {
        workspace,
        path: 'long',
        offset,
        max_bytes: 3000,
      });
      expect(Buffer.byteLength(JSON.stringify(facts))).toBeLessThanOrEqual(3000);
      expect(Buffer.byteLength(words)).toBeLessThanOrEqual(3000);
      read += facts.content;
      offset = facts.next_offset;
    }
    expect(read).toBe(text);
  });

  test('artifacts are what a run left behind', async () => {
    const run = await told('run', { script: 'mkdir out; echo made > out/a.txt', artifacts: ['out/*'] });
    expect((await told('artifacts', { id: run.id })).artifacts).toContainEqual(
      expect.objectContaining({ artifact_id: 'out_a.txt', size_bytes: 5 }),
    );
    expect(await told('get_file', { run: run.id, artifact: 'out_a.txt' })).toMatchObject({
      content: 'made\n',
    });
    expect((await told('list_files', { run: run.id })).files).toContainEqual(
      expect.objectContaining({ path: 'out/a.txt' }),
    );
  });

  test('a session is prepared once for many runs', async () => {
    const { id: session, workspace } = await told('session_create', {
      setup: ['echo prepared > state'],
      env: { A: 'b' },
    });
    await told('put_files', { session, files: [{ path: 'more', text: 'more\n' }] });
    const run = await told('run', { script: 'cat state more; echo $A', session });
    expect(run.output.text).toBe('prepared\nmore\nb\n');
    expect((await told('list_files', { workspace })).files.length).toBe(2);
    expect((await told('session_list')).sessions).toMatchObject([{ id: session, state: 'ready' }]);
    await told('session_close', { session });
    expect(await refused('run', { script: 'true', session })).toMatch(/session_closed|session/);
    expect(await refused('session_create', { setup: ['exit 3'] })).toMatch(/\[session_failed\]/);
  });

  test.each([
    ['list', {}],
    ['list_files', 'workspace'],
    ['artifacts', 'run'],
  ] as const)('%s says how many things did not fit', async (name, of) => {
    const input: { [key: string]: string | number } = { limit: name === 'list' ? 100 : 1000 };
    if (of === 'workspace') {
      const { id } = await told('workspace_create');
      const files = Array.from({ length: 900 }, (_, n) => ({
        path: `a-file-with-a-long-name-${n}`,
        text: '',
      }));
      await told('put_files', { workspace: id, files });
      input.workspace = id;
    } else if (of === 'run') {
      const { id } = await told('run', {
        script: 'for i in $(seq 1 400); do echo x > a-file-with-a-name-$i; done',
        artifacts: ['a-*'],
      });
      input.id = id;
      delete input.limit;
    } else
      for (let n = 0; n < 60; n++)
        await told('run', { script: `exit 1`, name: 'n'.repeat(100), wait_seconds: 0 });
    const { facts, text } = await mcp.call(name, input);
    expect(facts.omitted).toBeGreaterThan(0);
    expect(text).toContain(`${facts.omitted} more did not fit`);
    expect(Buffer.byteLength(JSON.stringify(facts))).toBeLessThanOrEqual(16_384);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(16_384);
  });
});
