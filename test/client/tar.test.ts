import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type TarEntry, tarOf, untarred } from '../../client/runwire.ts';

const place = mkdtempSync(join(tmpdir(), 'runwire-tar-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

const long = `${'deep/'.repeat(30)}${'n'.repeat(120)}`;
const entries: TarEntry[] = [
  { path: 'empty' },
  { path: 'program', body: '#!/bin/sh\n', mode: 0o755 },
  { path: 'dir', directory: true, mode: 0o700 },
  { path: 'dir/ü "x"\nline', body: new Uint8Array(512).fill(7) },
  { path: long, body: new Blob(['x'.repeat(1000)]), modifiedAt: new Date('2020-01-02T03:04:05Z') },
  { path: 'link', target: `${'../'.repeat(40)}é` },
];

async function read(bytes: AsyncIterable<Uint8Array>) {
  const found = new Map<
    string,
    { type: string; mode: number; target: string | null; text: string; at: string }
  >();
  for await (const { path, type, mode, target, body, modifiedAt } of untarred(bytes)) {
    const parts: Uint8Array[] = [];
    for await (const part of body) parts.push(part);
    found.set(path, {
      type,
      mode,
      target,
      text: Buffer.concat(parts).toString('latin1'),
      at: modifiedAt.toISOString(),
    });
  }
  return found;
}

test('tar reads what is packed here: names, modes, links, times', async () => {
  const home = join(place, 'out');
  mkdirSync(home);
  execFileSync('tar', ['-xf', '-', '-C', home], { input: Buffer.from(await tarOf(entries).arrayBuffer()) });
  expect(readFileSync(join(home, 'program'), 'utf8')).toBe('#!/bin/sh\n');
  expect(statSync(join(home, 'program')).mode & 0o777).toBe(0o755);
  expect(statSync(join(home, 'dir')).mode & 0o777).toBe(0o700);
  expect(readdirSync(join(home, 'dir'))).toEqual(['ü "x"\nline']);
  expect(readFileSync(join(home, long), 'utf8')).toBe('x'.repeat(1000));
  expect(statSync(join(home, long)).mtime.toISOString()).toBe('2020-01-02T03:04:05.000Z');
  expect(readlinkSync(join(home, 'link'))).toBe(`${'../'.repeat(40)}é`);
});

test('what is packed here is read here, in whatever pieces it comes', async () => {
  const bytes = new Uint8Array(await tarOf(entries).arrayBuffer());
  for (const size of [1, 100, 512, 1000, 1 << 20]) {
    const found = await read(
      (async function* () {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      })(),
    );
    expect([...found.keys()]).toEqual(entries.map(({ path }) => path));
    expect(found.get(long)).toMatchObject({
      type: 'file',
      mode: 0o644,
      text: 'x'.repeat(1000),
      at: '2020-01-02T03:04:05.000Z',
    });
    expect(found.get('dir')).toMatchObject({ type: 'directory', mode: 0o700 });
    expect(found.get('link')).toMatchObject({ type: 'link', target: `${'../'.repeat(40)}é` });
  }
});

test.each(['gnu', 'pax', 'ustar', 'v7'])('a tar of the format %s is read', async (format) => {
  const home = join(place, format);
  const path =
    format === 'gnu' || format === 'pax'
      ? long
      : `${'a'.repeat(format === 'v7' ? 40 : 60)}/${'b'.repeat(50)}`;
  mkdirSync(join(home, path, '..'), { recursive: true });
  writeFileSync(join(home, path), 'content');
  symlinkSync('somewhere', join(home, 'link'));
  const tar = execFileSync('tar', ['-c', `--format=${format}`, '-C', home, '.'], { maxBuffer: 1 << 24 });
  const found = await read(new Blob([tar]).stream());
  expect(found.get(`./${path}`)?.text).toBe('content');
  expect(found.get('./link')).toMatchObject({ type: 'link', target: 'somewhere' });
});

test('entries may be passed over, and an archive that breaks off is told of', async () => {
  const bytes = new Uint8Array(await tarOf(entries).arrayBuffer());
  const paths: string[] = [];
  for await (const { path } of untarred(new Blob([bytes]).stream())) paths.push(path);
  expect(paths).toHaveLength(entries.length);
  await expect(read(new Blob([bytes.subarray(0, 3000)]).stream())).rejects.toMatchObject({
    name: 'ProtocolError',
  });
  await expect(read(new Blob([]).stream())).rejects.toMatchObject({ name: 'ProtocolError' });
});
