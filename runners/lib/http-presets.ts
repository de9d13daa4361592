import { replicate } from '../presets/replicate.ts';
import type { Preset } from './http-async-spec.ts';

/** What `options.http_async.preset` may name. A new one is a file in runners/presets/ and a line here. */
export const PRESETS: Readonly<Record<string, Preset>> = { replicate };
