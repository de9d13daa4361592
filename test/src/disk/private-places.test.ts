import fs from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test, vi } from 'vitest';
import { PrivatePlaces } from '../../../src/disk/private-places.ts';
import { bytePath } from '../../../src/platform/byte-path.ts';
import { DataRoom, KEY } from '../../helpers/data-room.ts';
import { requires } from '../../helpers/require.ts';

const PRIVATE = 'holds the data of the server';
const leads = (field: string, path: string) => `rejected: ${field} leads to the data of the server: ${path}`;

test('a folder that holds the data directory is collected without it, and says so once', async () => {
  await using room = await DataRoom.on();
  const record = await room.run({
    artifact_directory: '.',
    options: { artifacts: ['**/*', '.runwire/callback.key', '.runwire/**', '.*/runs/*/stdout'] },
  });
  expect(await room.bytes(record)).toEqual(['report']);
  expect(record.outcome?.omitted.filter(({ reason }) => reason === PRIVATE)).toEqual([
    { path: room.data, reason: PRIVATE },
  ]);
});

test('a link under the folder does not lead into the data directory', async () => {
  await using room = await DataRoom.on();
  const out = join(room.project, 'out');
  fs.mkdirSync(out);
  fs.symlinkSync('../.runwire/callback.key', join(out, 'relative'));
  fs.symlinkSync(join(room.other, 'stdout'), join(out, 'absolute'));
  fs.symlinkSync('../.runwire', join(out, 'directory'));
  const record = await room.run({ options: { artifacts: ['out/**'] } });
  expect(await room.bytes(record)).toEqual([]);
  expect(record.outcome?.omitted).toEqual([
    { path: join(out, 'absolute'), reason: PRIVATE },
    { path: join(out, 'directory'), reason: 'a symbolic link to a directory' },
    { path: join(out, 'relative'), reason: PRIVATE },
  ]);
});

test('a hard link to a private file is left out by what it is, whatever its name', async () => {
  await using room = await DataRoom.on();
  const out = join(room.project, 'out');
  fs.mkdirSync(out);
  const names = ['callback.key', 'runwire.db', 'runwire.db-wal', 'runwire.db-redo'].filter((name) =>
    fs.existsSync(join(room.data, name)),
  );
  expect(names).toContain('runwire.db');
  for (const name of names) fs.linkSync(join(room.data, name), join(out, `innocent-${name}`));
  const record = await room.run({ artifact_directory: 'out' });
  expect(await room.bytes(record)).toEqual([]);
  expect(record.outcome?.omitted.map(({ reason }) => reason)).toEqual(names.map(() => PRIVATE));
});

test('each path of an invocation that leads into the data directory is refused by the name of its field', async () => {
  await using room = await DataRoom.on();
  const link = join(room.project, 'link');
  fs.symlinkSync('.runwire', link);
  const before = room.own();
  const open = fs.openSync(room.data, 'r');
  try {
    const paths = [room.data, join(room.other, 'work'), link, `${link}/runs`, `/proc/self/fd/${open}`];
    for (const path of paths) {
      expect(await room.refusal({ working_directory: path })).toBe(leads('working_directory', path));
      expect(await room.refusal({ artifact_directory: path })).toBe(leads('artifact_directory', path));
      const made = `${path}/made/by/a/run`;
      expect(await room.refusal({ artifact_directory: made })).toBe(leads('artifact_directory', made));
      const result = `${path}/result.json`;
      expect(await room.refusal({ output_result_path: result })).toContain(
        leads('output_result_path', result),
      );
    }
  } finally {
    fs.closeSync(open);
  }
  fs.symlinkSync(room.key, join(room.project, 'to-key'));
  fs.linkSync(room.key, join(room.project, 'is-key'));
  for (const [name, path] of Object.entries({
    '.runwire/callback.key': room.key,
    'link/runs/other/stdout': join(link, 'runs/other/stdout'),
    'to-key': join(room.project, 'to-key'),
    'is-key': join(room.project, 'is-key'),
  })) {
    expect(await room.refusal({ input_payload_path: name })).toBe(leads('input_payload_path', path));
    expect(await room.refusal({ output_result_path: name })).toContain(leads('output_result_path', path));
  }
  expect(room.own()).toEqual(before);
  expect(fs.readdirSync(room.data)).not.toContain('made');
});

test('a run may name its own scratch directory by any path, and not that of another by way of it', async () => {
  await using room = await DataRoom.on();
  const work = join(room.data, 'runs/mine/work');
  room.work = ({ artifactDirectory }) => fs.writeFileSync(`${artifactDirectory}/made`, 'made');
  const record = await room.run({
    invocation_id: 'mine',
    working_directory: work,
    artifact_directory: join(work, 'out'),
    output_result_path: join(work, 'result.json'),
    options: { artifacts: ['**'] },
  });
  expect(record.status).toBe('succeeded');
  expect(await room.bytes(record)).toEqual(['made']);
  expect(JSON.parse(fs.readFileSync(join(work, 'result.json'), 'utf8'))).toMatchObject({
    status: 'succeeded',
  });
  const past = `${work}/../../other/work`;
  expect(await room.refusal({ invocation_id: 'next', working_directory: past })).toBe(
    leads('working_directory', past),
  );
  const up = { working_directory: null, artifact_directory: '../../other/work' };
  expect(await room.refusal({ invocation_id: 'last', ...up })).toBe(
    leads('artifact_directory', join(room.data, 'runs/other/work')),
  );
  expect(
    await room.refusal({ invocation_id: 'twin', working_directory: null, artifact_directory: '..' }),
  ).toBe(leads('artifact_directory', join(room.data, 'runs/twin')));
});

test('directories that become links into the data directory while the run goes on give and take nothing', async () => {
  await using room = await DataRoom.on();
  const wd = join(room.project, 'wd');
  const before = room.own();
  for (const target of [room.data, room.other, join(room.other, 'work')]) {
    fs.rmSync(wd, { recursive: true, force: true });
    fs.mkdirSync(join(wd, 'out'), { recursive: true });
    fs.mkdirSync(join(wd, 'results'));
    fs.mkdirSync(join(wd, 'sub'));
    room.work = () => {
      for (const name of ['out', 'results', 'sub']) {
        fs.rmdirSync(join(wd, name));
        fs.symlinkSync(relative(wd, target), join(wd, name));
      }
    };
    const record = await room.run({
      working_directory: wd,
      artifact_directory: 'out',
      output_result_path: 'results/stdout',
      options: { artifacts: ['**', 'sub/*'] },
    });
    expect(record.status).toBe('succeeded');
    expect(await room.bytes(record)).toEqual([]);
    expect(record.result?.error_summary).toBe(
      `output_result_path cannot be written: ${wd}/results/stdout (it leads to the data of the server)`,
    );
    expect(room.own()).toEqual(before);
  }
});

test('the scratch directory of a run that is replaced by the data directory of another is not collected', async () => {
  await using room = await DataRoom.on();
  room.work = ({ workingDirectory }) => {
    fs.rmdirSync(workingDirectory);
    fs.symlinkSync(room.other, workingDirectory);
  };
  const record = await room.run({ working_directory: null, options: { artifacts: ['**'] } });
  expect(await room.bytes(record)).toEqual([]);
  expect(record.outcome?.omitted).toHaveLength(1);
});

test('copies are never written over what a run put in their place', async () => {
  await using room = await DataRoom.on();
  const work = ({ directory }: { directory: { artifacts: string } }) => {
    fs.mkdirSync(directory.artifacts);
    fs.linkSync(room.key, join(directory.artifacts, 'report.txt'));
  };
  room.work = work;
  const record = await room.run({ options: { artifacts: ['report.txt'] } });
  expect(await room.bytes(record)).toEqual(['report']);
  expect(fs.readFileSync(room.key, 'utf8')).toBe(KEY);
  fs.writeFileSync(join(room.project, 'callback.key'), 'forged');
  room.work = ({ directory }) => fs.symlinkSync(room.data, directory.artifacts);
  const linked = await room.run({ options: { artifacts: ['callback.key'] } });
  expect(linked.outcome?.omitted).toHaveLength(1);
  expect(fs.readFileSync(room.key, 'utf8')).toBe(KEY);
});

test('an artifact that was replaced by a private file after the end is gone', async () => {
  await using room = await DataRoom.on();
  fs.writeFileSync(join(room.project, 'callback.key'), 'x'.repeat(KEY.length));
  const { invocation } = await room.run({ options: { artifacts: ['callback.key'] } });
  const run = join(room.data, 'runs', invocation.invocation_id);
  const path = `/invocations/${invocation.invocation_id}/artifacts/callback.key`;
  expect((await room.engine.get(path)).statusCode).toBe(200);
  fs.rmSync(join(run, 'artifacts/callback.key'));
  fs.linkSync(room.key, join(run, 'artifacts/callback.key'));
  expect((await room.engine.get(path)).statusCode).toBe(410);
  fs.rmSync(join(run, 'artifacts'), { recursive: true });
  fs.symlinkSync(room.data, join(run, 'artifacts'));
  expect((await room.engine.get(path)).statusCode).toBe(410);
});

test('a data directory that is given by a link, or that is spread over links, is known by where it is', async () => {
  await using room = await DataRoom.on(({ project, data }) => {
    fs.symlinkSync(data, join(project, 'by-link'));
    fs.renameSync(join(data, 'runs'), join(project, 'elsewhere'));
    fs.symlinkSync('../elsewhere', join(data, 'runs'));
    return join(project, 'by-link');
  });
  const other = join(room.project, 'elsewhere/other/work');
  for (const path of [room.data, join(room.project, 'by-link'), other])
    expect(await room.refusal({ working_directory: path })).toBe(leads('working_directory', path));
  const record = await room.run({ artifact_directory: '.' });
  expect(await room.bytes(record)).toEqual(['report']);
  const mine = await room.run({ working_directory: null, artifact_directory: 'out' });
  expect(mine.status).toBe('succeeded');
});

test('a working directory that was judged costs nothing the next time, and is judged again when it is another', async () => {
  await using room = await DataRoom.on();
  const places = new PrivatePlaces(room.data);
  const own = { work: join(room.data, 'runs/mine/work') };
  const wd = join(room.project, 'wd');
  fs.mkdirSync(wd);
  const stats = fs.statSync(wd);
  expect(places.holdsDirectory(wd, stats, own)).toBe(false);
  fs.rmdirSync(wd);
  fs.symlinkSync(room.data, wd);
  expect(places.holdsDirectory(wd, stats, own)).toBe(false); // nothing was looked at
  expect(places.holdsDirectory(wd, fs.statSync(wd), own)).toBe(true);
});

test("a private file that is not there, or cannot be looked at, is in nobody's way", async () => {
  await using room = await DataRoom.on();
  const loop = join(room.project, 'loop');
  fs.symlinkSync('loop', loop);
  const files = [loop, join(room.project, 'absent'), join(room.project, 'report.txt/key.pem')];
  const view = new PrivatePlaces(room.data, files).look(null);
  expect(view.holds(bytePath(room.project))).toBe(false);
  expect(view.holds(bytePath(room.key))).toBe(true);
});

requires('mount')('The data directory under another path', () => {
  test('is out of bounds where it, a part of it or a folder around it is mounted', async () => {
    await using room = await DataRoom.on();
    const points = Object.entries({
      whole: room.data,
      part: join(room.other, 'work'),
      'with space': room.other,
      around: room.project,
    }).map(([name, source]) => {
      const point = join(room.home, 'mounts', name);
      room.mount(source, point);
      return point;
    });
    const [whole, part, spaced, around] = points as [string, string, string, string];
    const before = room.own();
    const inner = [whole, join(whole, 'runs/other/work'), part, spaced, join(around, '.runwire/runs')];
    // New mounts are known to the server a moment later.
    await vi.waitFor(
      async () =>
        expect(await room.refusal({ output_result_path: join(part, 'made') })).toContain('leads to the data'),
      { timeout: 20_000 },
    );
    for (const path of inner) {
      expect(await room.refusal({ working_directory: path })).toBe(leads('working_directory', path));
      const result = join(path, 'made');
      expect(await room.refusal({ output_result_path: result })).toContain(
        leads('output_result_path', result),
      );
    }
    expect(await room.refusal({ input_payload_path: join(part, 'made') })).toBe(
      leads('input_payload_path', join(part, 'made')),
    );
    const above = join(whole, '..');
    const record = await room.run({ working_directory: around, artifact_directory: above });
    expect(await room.bytes(record)).toEqual(['report']);
    expect(record.outcome?.omitted.map(({ path }) => relative(above, path)).sort()).toEqual([
      'around/.runwire',
      'part',
      'whole',
      'with space',
    ]);
    expect(room.own()).toEqual(before);
  });
});
