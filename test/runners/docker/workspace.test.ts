import { randomUUID } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DockerServer, stdout } from '../../helpers/docker/server.ts';
import { requires } from '../../helpers/require.ts';

requires('docker')('A container in a workspace', () => {
  let docker: DockerServer;
  beforeAll(async () => {
    docker = await DockerServer.on();
  });
  afterAll(() => docker?.end());

  const made = async (): Promise<{ id: string; root: string }> => {
    const id = `w-${randomUUID().slice(0, 8)}`;
    await docker.app.workspaces.create({ workspace_id: id });
    return { id, root: docker.app.workspaces.tree(id).root };
  };

  test('has it mounted, whoever made what is in it, and the server can use what it leaves', async () => {
    const { id, root } = await made();
    mkdirSync(join(root, 'sub'));
    writeFileSync(join(root, 'sub/mine'), 'one\n', { mode: 0o600 });
    const options = { workspace: { id, snapshot: 'after' } };
    const first = await docker.shell(
      'pwd; cat mine; echo two >>mine; umask 077; mkdir -p ../kept; echo x >../kept/f',
      {},
      {
        working_directory: 'sub',
        options,
      },
    );
    expect(first.result?.error_summary ?? '').toBe('');
    expect(stdout(first).toString()).toBe('/workspace/sub\none\n');
    expect(readFileSync(join(root, 'sub/mine'), 'utf8')).toBe('one\ntwo\n');
    const { runtime_kind, command } = {
      runtime_kind: 'subprocess',
      command: ['sh', '-c', 'cat kept/f; echo y >kept/g'],
    };
    const second = await docker.app.run({ runtime_kind, command, options: { workspace: id } });
    expect(stdout(second).toString()).toBe('x\n');
    const third = await docker.shell('cat kept/g; rm -r kept', {}, { options: { workspace: id } });
    expect(stdout(third).toString()).toBe('y\n');
    expect(third.outcome?.workspace).toEqual({ id, snapshots: { before: null, after: null }, bytes: 8 });
    const after = first.outcome?.workspace?.snapshots.after ?? '';
    expect(await docker.app.workspaces.snapshots.find(after, ['kept', 'f'])).toMatchObject({ type: 'file' });
    docker.nothingLeft(third);
  });

  test('collects artifacts where it worked, and no link that it left leads out', async () => {
    const { id, root } = await made();
    mkdirSync(join(root, 'sub'));
    const options = { workspace: id, artifacts: ['*.txt'] };
    const record = await docker.shell(
      'echo $RUNWIRE_ARTIFACT_DIR; echo a >a.txt; echo b >"$RUNWIRE_ARTIFACT_DIR/b"; ln -s ../other.txt c.txt; echo c >../other.txt; ln -s /etc/passwd d.txt',
      {},
      { working_directory: 'sub', artifact_directory: '../out', options },
    );
    expect(stdout(record).toString()).toBe('/workspace/out\n');
    const names = record.result?.artifacts.slice(2).map(({ description }) => description);
    expect(names).toEqual(['b', 'a.txt']);
    const swapped = await docker.shell('rm -r sub; ln -s /etc sub', {}, { options: { workspace: id } });
    expect(swapped.status).toBe('succeeded');
    const refused = await docker.shell('true', {}, { working_directory: 'sub', options: { workspace: id } });
    expect(`${refused.status}: ${refused.result?.error_summary}`).toContain(
      'rejected: working_directory: a symbolic link',
    );
  });

  test('things are given to its user, and no link is followed', async () => {
    const { id, root } = await made();
    const outside = join(docker.app.dataDir, 'outside');
    writeFileSync(outside, '');
    symlinkSync(outside, join(root, 'link'));
    await docker.shell('true', {}, { options: { workspace: id } });
    expect(lstatSync(join(root, 'link')).uid).not.toBe(statSync(outside).uid);
    expect(statSync(outside).uid).toBe(process.getuid?.());
    rmSync(outside);
  });
});
