import { replicate } from './presets/replicate.ts';
import type { Preset } from './spec.ts';

/** What `options.http_async.preset` may name. A new one is a file in presets/ and a line here. */
export const PRESETS: Readonly<Record<string, Preset>> = { replicate };
