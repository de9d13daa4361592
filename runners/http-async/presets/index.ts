import type { Preset } from '../spec.ts';
import { replicate } from './replicate.ts';

/** What `options.http_async.preset` may name. A new one is a file in runners/presets/ and a line here. */
export const PRESETS: Readonly<Record<string, Preset>> = { replicate };
