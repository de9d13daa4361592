import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PrivatePlaces } from '../../src/disk/private-places.ts';
import { own } from './own-id.ts';

/** Of a data directory that is not there: for runners whose runs have no files. */
export const noPlaces = new PrivatePlaces(join(tmpdir(), own('no-data')));
