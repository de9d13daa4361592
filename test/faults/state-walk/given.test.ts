import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Walk } from './run.ts';
import { WalkSuite } from './suite.ts';

const NAMES = ['model', 'words'];

async function put(walk: Walk): Promise<void> {
  for (const name of NAMES)
    await fetch(`${walk.server.url}/assets/${name}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream' },
      body: `what ${name} is`,
    });
}

/** Reads what it is given, changes its own copy, and says both. */
const body = {
  runtime_kind: 'subprocess',
  command: [
    'sh',
    '-c',
    'cat {{static:model}}; sleep 0.2; echo more >> {{static:own}}; cat {{static:own}}; exit 3',
  ],
  options: { assets: { model: {}, own: { asset: 'words', mode: 'copy', save_path: 'deep/own' } } },
};
const wrote = { stdout: 'what model iswhat wordsmore\n'.replace('words', 'words is'), stderr: '' };
const ended = { status: 'failed', outcome: { ended: 'exited', exit_code: 3 } } as const;

/** In the order in which a run comes by. */
const POINTS = [
  'given begun',
  'given whole, not in place',
  'given in place',
  'spawn not sent',
  'spawn sent',
  'started',
  'facts received',
  'given not taken away',
  'given being taken away',
  'result made',
  'result stored',
  'given gone, result stored',
];

const STORED = ['result stored', 'given gone, result stored'];

describe('What a run is given, whose server is killed', () => {
  const suite = new WalkSuite('The server was killed, in a run that is given assets:');

  for (const point of POINTS)
    suite.try(`at "${point}", is there for the work, once, and nowhere after it`, async (walk) => {
      const { record } = await walk.step({ point, body, wrote, expected: ended, prepare: () => put(walk) });
      const { invocation_id: id, options } = record.invocation;
      expect(record.invocation.command).toEqual(body.command);
      expect(options.assets).toMatchObject({ model: { version: 1 }, own: { version: 1 } });
      const root = join(walk.server.dataDir, 'runs', id);
      const left = existsSync(root) ? readdirSync(root).filter((name) => name.startsWith('given')) : [];
      // Where its result was stored nothing of it is read any more: an empty directory may stay.
      if (!STORED.includes(point)) expect(left).toEqual([]);
      expect(left.flatMap((name) => readdirSync(join(root, name)))).toEqual([]);
      for (const name of NAMES)
        expect(await (await fetch(`${walk.server.url}/assets/${name}/content`)).text()).toBe(
          `what ${name} is`,
        );
    });
});
