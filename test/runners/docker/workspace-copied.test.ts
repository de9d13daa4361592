import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { buildApp } from '../../helpers/build-app.ts';
import { engineElsewhere } from '../../helpers/docker/forward.ts';
import { dockerGate } from '../../helpers/docker/gate.ts';
import { containersOf, DOCKER_HOST, volumesOf } from '../../helpers/docker/image.ts';
import { DockerServer, stdout } from '../../helpers/docker/server.ts';
import { engine } from '../../helpers/docker/sessions.ts';
import { requires } from '../../helpers/require.ts';

const COPIED = { mount_workspace: false };

requires('docker')('A container with a copy of its workspace', () => {
  let docker: DockerServer;
  beforeAll(async () => {
    docker = await DockerServer.on();
  });
  afterAll(() => docker?.end());

  const made = async (server = docker, more: object = {}) => {
    const id = `w-${randomUUID().slice(0, 8)}`;
    await server.app.workspaces.create({ workspace_id: id, ...more });
    const { root } = server.app.workspaces.tree(id);
    return { id, root, at: (path: string): string => join(root, path) };
  };
  /** By this process, which cannot wait for a command-line client that asks it. */
  const reached = async (host: string): Promise<DockerServer> =>
    new DockerServer(await buildApp({ config: { DOCKER_HOST: host } }), docker.image, process.env);
  const nothingLeft = (record: RunRecord, root: string): void => {
    docker.nothingLeft(record);
    expect(volumesOf(record.invocation.invocation_id)).toEqual([]);
    const beside = join(root, '../beside');
    expect(fs.readdirSync(beside).filter((name) => name !== 'restore')).toEqual([]);
  };

  test('has all of it as it is, and what it makes of that takes its place', async () => {
    const { id, root, at } = await made();
    fs.mkdirSync(at('sub/empty'), { recursive: true });
    fs.writeFileSync(at('sub/mine'), 'one\n', { mode: 0o600 });
    fs.writeFileSync(at('same'), 'same');
    fs.chmodSync(at('same'), 0o444);
    fs.writeFileSync(at('run'), '#!/bin/sh\necho ran\n', { mode: 0o755 });
    fs.symlinkSync('/etc/passwd', at('link'));
    fs.mkdirSync(at('gone'));
    fs.writeFileSync(at('gone/f'), 'x');
    const same = fs.statSync(at('same')).ino;
    const home = fs.statSync(root).ino;
    const record = await docker.shell(
      `pwd; id -u; ../run; cat mine; readlink ../link; ls -A empty; stat -c %a:%u ../same mine
       echo two >>mine; rm -r ../gone; umask 027; mkdir -p made/deep; echo new >made/deep/a.txt; chmod 750 ../run
       ln -s ../../.. made/up; rm ../link; printf gone >../link`,
      COPIED,
      {
        working_directory: 'sub',
        output_result_path: 'made/result.json',
        options: { workspace: { id, snapshot: 'both' }, artifacts: ['**/*.txt'] },
      },
    );
    expect(record.result?.error_summary).toBeNull();
    const seen = ['/workspace/sub', '65534', 'ran', 'one', '/etc/passwd', '444:65534', '600:65534', ''];
    expect(stdout(record).toString()).toBe(seen.join('\n'));
    expect(fs.readdirSync(root).sort()).toEqual(['link', 'run', 'same', 'sub']);
    expect(fs.readFileSync(at('sub/mine'), 'utf8')).toBe('one\ntwo\n');
    expect(fs.readFileSync(at('link'), 'utf8')).toBe('gone');
    expect(fs.readlinkSync(at('sub/made/up'))).toBe('../../..');
    expect(fs.readdirSync(at('sub/empty'))).toEqual([]);
    expect([fs.statSync(root).ino, fs.statSync(at('same')).ino]).toEqual([home, same]);
    const modeOf = (path: string): number => fs.statSync(at(path)).mode & 0o777;
    expect(['same', 'sub/mine', 'run', 'sub/made', 'sub/made/deep/a.txt'].map(modeOf)).toEqual([
      0o444, 0o600, 0o750, 0o750, 0o640,
    ]);
    const owners = ['sub/mine', 'run', 'sub/made', 'sub/made/deep/a.txt'].map(
      (path) => fs.statSync(at(path)).uid,
    );
    expect(new Set(owners)).toEqual(new Set([process.getuid?.()]));
    // Artifacts, the result and the snapshot after it are of what came back.
    expect(record.result?.artifacts.map(({ description }) => description)).toContain('made/deep/a.txt');
    expect(JSON.parse(fs.readFileSync(at('sub/made/result.json'), 'utf8'))).toMatchObject({
      status: 'succeeded',
    });
    const { before, after } = record.outcome?.workspace?.snapshots ?? {};
    const { snapshots } = docker.app.workspaces;
    expect(await snapshots.find(before ?? '', ['gone', 'f'])).not.toBeNull();
    expect(await snapshots.find(after ?? '', ['gone'])).toBeNull();
    expect(await snapshots.find(after ?? '', ['sub', 'made', 'deep', 'a.txt'])).not.toBeNull();
    nothingLeft(record, root);
  });

  test.each([
    ['of the image', { user: 'app' }, '1000:1000'],
    ['by numbers', { user: '7:8' }, '7:8'],
  ])('is of its user, %s', async (_, spec, owner) => {
    const { id, root, at } = await made();
    fs.writeFileSync(at('f'), 'x', { mode: 0o600 });
    const record = await docker.shell(
      'stat -c %u:%g f; cat f; echo y >f',
      { ...COPIED, ...spec },
      { options: { workspace: id } },
    );
    expect(stdout(record).toString()).toBe(`${owner}\nx`);
    expect(fs.readFileSync(at('f'), 'utf8')).toBe('y\n');
    nothingLeft(record, root);
  });

  test('hides what the image has there, and none of that comes back', async () => {
    const { id, root, at } = await made();
    fs.writeFileSync(at('f'), 'x');
    const record = await docker.shell(
      'ls -A; echo y >g',
      { ...COPIED, workdir: '/etc' },
      { options: { workspace: id } },
    );
    expect(stdout(record).toString()).toContain('f\n');
    expect(stdout(record).toString()).not.toContain('passwd');
    expect(
      fs.readdirSync(root).filter((name) => !['hostname', 'hosts', 'resolv.conf'].includes(name)),
    ).toEqual(['f', 'g']);
    nothingLeft(record, root);
  });

  test.each([
    ['failed', 'exit 3', {}],
    ['timed_out', 'exec sleep 60', { timeout_seconds: 6 }],
    ['cancelled', 'exec sleep 60', {}],
  ])('brings back what it did though it %s', async (status, then, fields) => {
    const { id, root, at } = await made();
    fs.writeFileSync(at('old'), 'x');
    const run = await docker.start(`rm old; echo y >new; echo up; trap 'exit 9' TERM; ${then}`, COPIED, {
      options: { workspace: id, kill_grace_seconds: 0.2 },
      ...fields,
    });
    await docker.wrote(run, 'up');
    if (status === 'cancelled') await docker.post(`/invocations/${run}/cancel`);
    const record = await docker.finished(run);
    expect(record.status).toBe(status);
    expect(fs.readdirSync(root)).toEqual(['new']);
    nothingLeft(record, root);
  });

  test('is what an engine elsewhere gets, without a word', async () => {
    await using engine = await engineElsewhere(DOCKER_HOST);
    const server = await reached(engine.host);
    try {
      const { id, root, at } = await made(server);
      fs.writeFileSync(at('f'), 'x');
      const record = await server.shell(
        'cat f; echo y >g; cat /proc/mounts',
        {},
        { options: { workspace: id } },
      );
      expect(record.result?.error_summary).toBeNull();
      expect(stdout(record).toString()).toMatch(/^x/);
      expect(stdout(record).toString()).not.toContain(root);
      expect(fs.readFileSync(at('g'), 'utf8')).toBe('y\n');
      expect(record.outcome?.workspace?.bytes).toBe(3);
      nothingLeft(record, root);
    } finally {
      await server.end();
    }
  });

  test('is not idle while it is copied, however long that takes', async () => {
    await using gate = await dockerGate(DOCKER_HOST, docker.app.dataDir);
    const server = await reached(gate.host);
    try {
      const { id, root } = await made(server);
      const held = gate.mute(/^GET \/containers\/\w+\/archive\?path=%2Fworkspace/);
      const options = { workspace: id, idle_timeout_seconds: 2 };
      const run = await server.start('echo y >new', COPIED, { options });
      await held;
      const told = async (): Promise<string> =>
        (await server.app.app.inject({ url: `/invocations/${run}/events?follow=false` })).body;
      await expect.poll(told, { timeout: 20_000 }).toMatch(/(copying the workspace out.*[\s\S]*){4}/);
      gate.open();
      const record = await server.finished(run);
      expect([record.status, record.result?.error_summary]).toEqual(['succeeded', null]);
      expect(fs.readdirSync(root)).toEqual(['new']);
    } finally {
      await server.end();
    }
  });

  test('leaves out by name what is no file, and what an earlier run left of that', async () => {
    const { id, root } = await made();
    const first = await docker.shell('mkfifo pipe; echo x >f', {}, { options: { workspace: id } });
    expect(fs.readdirSync(root).sort()).toEqual(['f', 'pipe']);
    const spec = { ...COPIED, user: '0', cap_add: ['MKNOD'] };
    const record = await docker.shell(
      'ls; mkdir d; mkfifo d/pipe; mknod d/null c 1 3; touch "d/$(printf \'caf\\351\')"; echo y >d/f',
      spec,
      { options: { workspace: id } },
    );
    expect(record.result?.error_summary).toBeNull();
    expect(stdout(record).toString()).toBe('f\n');
    expect(record.outcome?.omitted).toEqual([
      { path: 'd/caf\ufffd', reason: 'its name is not UTF-8' },
      { path: 'd/null', reason: 'a device' },
      { path: 'd/pipe', reason: 'a FIFO' },
    ]);
    expect(fs.readdirSync(join(root, 'd'))).toEqual(['f']);
    nothingLeft(record, root);
    nothingLeft(first, root);
  });

  test.each([
    ['a read-only root', { read_only: true }, 'read-only root'],
    ['a mount in it', { tmpfs: [{ target: '/workspace/cache' }] }, 'overlaps the workspace at /workspace'],
  ])('cannot have %s, and nothing is lost', async (_, spec, words) => {
    const { id, root, at } = await made();
    fs.writeFileSync(at('f'), 'x');
    const record = await docker.shell('rm f', { ...COPIED, ...spec }, { options: { workspace: id } });
    expect(`${record.status}: ${record.result?.error_summary}`).toContain(`rejected: `);
    expect(record.result?.error_summary).toContain(words);
    expect(fs.readdirSync(root)).toEqual(['f']);
    nothingLeft(record, root);
  });

  test('cannot have a link of the image in its place: it would be where nobody looks for it', async () => {
    const linked = `runwire-test-linked:${randomUUID().slice(0, 8)}`;
    const cli = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8' }).trim();
    const container = cli('create', docker.image, 'ln', '-s', '/tmp', '/linked');
    try {
      cli('start', '--attach', container);
      cli('commit', container, linked);
      const { id, root, at } = await made();
      fs.writeFileSync(at('f'), 'x');
      const spec = { ...COPIED, image: linked, workdir: '/linked' };
      const record = await docker.shell('rm -f f', spec, { options: { workspace: id } });
      expect(`${record.status}: ${record.result?.error_summary}`).toBe(
        'rejected: workdir is a symbolic link in the image: /linked',
      );
      expect(fs.readdirSync(root)).toEqual(['f']);
      nothingLeft(record, root);
    } finally {
      cli('rm', '-v', container);
      spawnSync('docker', ['image', 'rm', linked]);
    }
  });

  test('is not begun where something could not be copied, and so would be lost: it is named', async () => {
    const { id, root } = await made();
    fs.writeFileSync(Buffer.from(`${root}/caf\xe9`, 'latin1'), 'x');
    const record = await docker.shell('true', COPIED, { options: { workspace: id } });
    expect(record.status).toBe('rejected');
    expect(record.result?.error_summary).toBe(
      'the workspace cannot be copied into a container: "caf\ufffd" has a name that is not UTF-8',
    );
    expect(fs.readdirSync(root)).toHaveLength(1);
    nothingLeft(record, root);
  });

  test('comes back over its max_bytes, and the next run does not begin', async () => {
    const { id, root } = await made(docker, { max_bytes: 1000 });
    const options = { options: { workspace: id } };
    const first = await docker.shell('head -c 2000 /dev/zero >big', COPIED, options);
    expect([first.status, first.outcome?.workspace?.bytes]).toEqual(['succeeded', 2000]);
    const next = await docker.shell('true', COPIED, options);
    expect([next.status, next.outcome?.ended]).toEqual(['failed', 'never_started']);
    expect(next.result?.error_summary).toContain('has 2000 bytes');
    nothingLeft(first, root);
  });

  test('leaves no volume where others remove its container', async () => {
    const { id, root } = await made();
    const run = await docker.start('echo up; sleep 1000', COPIED, { options: { workspace: id } });
    await docker.wrote(run, 'up');
    expect(volumesOf(run)).toHaveLength(1);
    engine('rm', '-f', ...containersOf(run));
    const record = await docker.finished(run);
    expect(record.status).toBe('failed');
    nothingLeft(record, root);
  });

  test('is copied out anew when the engine goes away meanwhile', async () => {
    await using gate = await dockerGate(DOCKER_HOST, docker.app.dataDir);
    const server = await reached(gate.host);
    try {
      const { id, root, at } = await made(server);
      fs.writeFileSync(at('old'), 'x');
      const script = 'echo up; rm old; head -c 3000000 /dev/zero >new';
      const muted = gate.mute(/^GET \/containers\/\w+\/archive\?path=%2Fworkspace/);
      const run = await server.start(script, COPIED, { options: { workspace: id } });
      await muted;
      expect(fs.readdirSync(root)).toEqual(['old']);
      gate.open();
      const record = await server.finished(run);
      expect([record.status, record.result?.error_summary]).toEqual(['succeeded', null]);
      expect(fs.statSync(at('new')).size).toBe(3_000_000);
      expect(fs.readdirSync(root)).toEqual(['new']);
      nothingLeft(record, root);
    } finally {
      await server.end();
    }
  });
});
