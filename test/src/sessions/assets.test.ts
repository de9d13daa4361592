import { expect, test } from 'vitest';
import type { SessionInput } from '../../../src/documents/session.ts';
import { freshId, sessionRoom } from '../../helpers/session-room.ts';

test('an open session needs the assets that it names, and one that is closed none', async () => {
  await using room = sessionRoom(undefined, { kind: { given: { by: 'place' } } });
  const { assets, sessions } = room.built;
  const id = freshId();
  async function* bytes(): AsyncGenerator<Buffer> {
    yield Buffer.from('x');
  }
  await assets.put('model', { from: 'body', bytes: bytes(), extract: false, mediaType: '' }, {});
  const options = { assets: { it: { asset: 'model' } } };
  await sessions.create({
    ...{ session_id: id, runtime_kind: 'scripted', disable_setup: true, options },
  } as SessionInput);
  expect([...sessions.assetsInUse()]).toEqual([{ who: `the session ${id}`, name: 'model', version: 1 }]);
  const refused = await room.built.request({ method: 'DELETE', url: '/assets/model' });
  expect([refused.statusCode, refused.json().code]).toEqual([409, 'asset_in_use']);
  expect(refused.json().detail).toContain(`the session ${id}`);
  await sessions.remove(id);
  expect([...sessions.assetsInUse()]).toEqual([]);
  expect((await room.built.request({ method: 'DELETE', url: '/assets/model' })).statusCode).toBe(204);
});
