import { PassThrough, Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { expect, test } from 'vitest';
import type { DockerDaemon } from '../../../runners/docker/daemon.ts';
import { ownerOf } from '../../../runners/docker/owner.ts';
import { all } from '../../helpers/tree-room.ts';

const FILES: Readonly<Record<string, string>> = {
  '/etc/passwd': 'root:x:0:0::/:/bin/sh\nbroken\napp:x:1000:100::/:/bin/sh\n',
  '/etc/group': 'root:x:0:\nstaff:x:50:app\n',
};

/** An engine with one container, which has these files. */
function holding(files: Readonly<Record<string, string>>): DockerDaemon {
  const getArchive = async ({ path }: { path: string }): Promise<Readable> => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('no such file'), { statusCode: 404 });
    const packing = pack();
    if (text.startsWith('-> ')) packing.entry({ name: 'f', type: 'symlink', linkname: text.slice(3) });
    else packing.entry({ name: 'f' }, text);
    packing.finalize();
    return Readable.from(await all(packing as AsyncIterable<Buffer>), { objectMode: false });
  };
  const docker = { getContainer: () => ({ getArchive }) };
  return { ask: async <T>(question: (docker: unknown) => Promise<T>) => question(docker) } as DockerDaemon;
}

test.each([
  ['7:8', { uid: 7, gid: 8 }],
  ['app', { uid: 1000, gid: 100 }],
  ['1000', { uid: 1000, gid: 100 }],
  ['1001', { uid: 1001, gid: 0 }],
  ['app:staff', { uid: 1000, gid: 50 }],
  ['7:staff', { uid: 7, gid: 50 }],
  ['app:9', { uid: 1000, gid: 9 }],
  ['nobody', { uid: 0, gid: 0 }],
])('the user %s of a container is by numbers who it is in its files', async (user, owner) => {
  expect(await ownerOf(holding(FILES), 'id', user)).toEqual(owner);
});

test.each([
  ['has no such file', {}],
  ['has something else in its place', { '/etc/passwd': '-> elsewhere' }],
])('a container that %s knows numbers alone', async (_, files: Record<string, string>) => {
  expect(await ownerOf(holding(files), 'id', '1000')).toEqual({ uid: 1000, gid: 0 });
});

test('an engine that goes away in the middle is not waited for', async () => {
  const docker = {
    getContainer: () => ({
      async getArchive() {
        const half = new PassThrough();
        half.write(Buffer.alloc(100));
        setImmediate(() => half.destroy());
        return half;
      },
    }),
  };
  const gone = {
    ask: async <T>(question: (docker: unknown) => Promise<T>) => question(docker),
  } as DockerDaemon;
  await expect(ownerOf(gone, 'id', 'app')).rejects.toThrow();
});
