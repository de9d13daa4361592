import { expect, test } from 'vitest';
import { Pull } from '../../../cli/run/image-pull.ts';
import type { RuntimeEvent } from '../../../client/runwire.ts';

const progress = (message: string, data?: object) =>
  ({ type: 'progress', message, ...(data && { data }) }) as RuntimeEvent & { type: 'progress' };
const layer = (id: string, status: string, progressDetail: object = {}) =>
  progress(`${id}: ${status}`, { id, status, progressDetail });

test('The pull of an image is counted over its layers, as the engine tells of them', () => {
  const pull = new Pull();
  expect(pull.take(layer('a', 'Downloading', { current: 1, total: 2 }))).toBeUndefined();
  expect(pull.take(progress('pulling some/image:3'))).toBe('pulls some/image:3');
  expect(pull.take(layer('3', 'Pulling from some/image'))).toBe('pulls some/image:3');
  pull.take(layer('a', 'Pulling fs layer'));
  pull.take(layer('c', 'Already exists'));
  expect(pull.take(layer('b', 'Pulling fs layer'))).toBe('pulls some/image:3: 1 of 3 layers');
  pull.take(layer('a', 'Downloading', { current: 1_000_000, total: 3_000_000 }));
  const half = pull.take(layer('b', 'Downloading', { current: 1_000_000, total: 1_000_000 }));
  expect(half).toBe('pulls some/image:3: [##########----------] 50% of 4.0 MB, 1 of 3 layers');
  pull.take(layer('a', 'Extracting', { current: 5, total: 3_000_000 }));
  pull.take(layer('b', 'Pull complete'));
  const last = pull.take(layer('a', 'Pull complete'));
  expect(last).toBe('pulls some/image:3: [####################] 100% of 4.0 MB, 3 of 3 layers');
  expect(pull.take(progress('pulled some/image:3'))).toBeNull();
});

test('What is no pull is left to others', () => {
  expect(new Pull().take(progress('half of it', { percent: 50 }))).toBeUndefined();
  expect(new Pull().take(progress('ports: 80 is 127.0.0.1:1234', { type: 'ports' }))).toBeUndefined();
});
