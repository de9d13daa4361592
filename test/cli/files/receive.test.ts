import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Landing } from '../../../cli/files/landing.ts';
import { type Coming, receive } from '../../../cli/files/receive.ts';
import type { Tree } from '../../../cli/files/tree.ts';
import { Progress } from '../../../cli/process/progress.ts';
import { type Download, type FileEntry, IntegrityError, NotFoundError } from '../../../client/runwire.ts';
import { hashOf } from '../../helpers/tree-here.ts';
import { workingPlace } from '../../helpers/working-place.ts';

const place = workingPlace();
const fileOf = (path: string, text: string): FileEntry => ({
  ...{ path, type: 'file', size_bytes: text.length, mode: '0644', modified_at: '2030-01-01T00:00:00.000Z' },
  sha256: hashOf(Buffer.from(text)),
});
/** A tree in which `log` is listed, and read, as these texts in turn; an error is thrown in the place of a text. */
function changing(listed: string[], read: (string | Error)[]): { tree: Tree; coming: Coming } {
  async function* bytes() {
    const next = read.shift();
    if (next instanceof Error) throw next;
    yield Buffer.from(next ?? '');
  }
  const tree: Tree = {
    async *files() {
      yield fileOf('log', listed.shift() ?? '');
    },
    file: () => bytes() as unknown as Download,
    archive: () => bytes() as unknown as Download,
  };
  const entries = new Map([['log', fileOf('log', listed.shift() ?? '')]]);
  return { tree, coming: { entries, globs: [], here: (path) => path } };
}
const received = ({ tree, coming }: ReturnType<typeof changing>) =>
  receive(tree, coming, new Landing(place.path), new Progress('receiving'));
const changed = () => new IntegrityError('changed', { code: 'changed' });

test('a file that was changed since it was listed is read again, and is that of a hash', async () => {
  expect(await received(changing(['1', '2', '3'], ['2', changed(), '3']))).toEqual([]);
  expect(readFileSync(place.at('log'), 'utf8')).toBe('3');
});

test('one that is changed all the time is taken as it was at one moment', async () => {
  expect(await received(changing(['1', '2', '3'], ['2', '3', '4']))).toEqual([]);
  expect(readFileSync(place.at('log'), 'utf8')).toBe('4');
});

test('one that cannot be had whole, or has gone, is left out by name', async () => {
  expect(await received(changing(['1', '2', '3'], [changed(), changed(), changed()]))).toEqual([
    'log: it is changed while it is read',
  ]);
  const gone = new NotFoundError('gone', { code: 'file_not_found' });
  expect(await received(changing(['1'], [gone]))).toEqual(['log: it is gone']);
  expect(readdirSync(place.path)).toEqual([]);
});

test('what fails otherwise is thrown, and leaves nothing', async () => {
  await expect(received(changing(['1'], [new Error('disk full')]))).rejects.toThrow('disk full');
  expect(readdirSync(place.path)).toEqual([]);
});
