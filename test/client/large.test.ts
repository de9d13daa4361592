import { execFile } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { Runwire } from '../../client/runwire.ts';
import { clientServer, TOKEN } from '../helpers/client-server.ts';
import { scriptedServer } from '../helpers/scripted-server.ts';
import { workingPlace } from '../helpers/working-place.ts';

const SIZE = 400_000_000;
const server = clientServer();
const place = workingPlace();

/** Sends a file of so many bytes, in a form, as an archive, as one body, as a stream; the most memory it has had is printed. */
const SENDER = `
  import { createReadStream, openAsBlob } from 'node:fs';
  import { Runwire, tarOf } from '${new URL('../../client/runwire.ts', import.meta.url)}';
  const rw = new Runwire();
  const body = await openAsBlob('big');
  const path = 'big';
  const ways = {
    form: async () => (await rw.submit({ runtime_kind: 'subprocess', command: ['true'] }, { files: [{ path, body }] })).wait({ check: true }),
    archive: async () => (await rw.workspaces.create({}, { archive: tarOf([{ path, body }]) })).remove(),
    body: async () => (await rw.assets.put('big', body)).bytes,
    stream: async () => (await rw.assets.put('big', createReadStream(path))).bytes,
  };
  await ways[process.argv[1]]();
  console.log(process.resourceUsage().maxRSS);
`;

test.each(['form', 'archive', 'body', 'stream'])(
  'what is sent as a large %s is not held in memory',
  async (way) => {
    writeFileSync(place.at('big'), '');
    truncateSync(place.at('big'), SIZE);
    const env = { PATH: process.env.PATH, RUNWIRE_URL: server.url, RUNWIRE_TOKEN: TOKEN };
    const args = ['--input-type=module', '-e', SENDER, way];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: place.path, env });
    expect(Number(stdout) * 1024).toBeLessThan(SIZE * 0.7);
  },
);

test('a redirect of what is large is refused as any other is', async () => {
  await using elsewhere = await scriptedServer((response) =>
    response.writeHead(307, { location: '/x' }).end(),
  );
  const rw = new Runwire({ url: elsewhere.url });
  const sent = rw.workspaces.attach('w').put('big', new Uint8Array(2_000_000), { check: false });
  await expect(sent).rejects.toMatchObject({ code: 'unexpected_answer', name: 'ProtocolError' });
  expect(elsewhere.asked).toEqual(['PUT /workspaces/w/files/big']);
});
