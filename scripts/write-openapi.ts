import { writeFile } from 'node:fs/promises';
import { createApp } from '../routes/app.ts';
import { readConfig } from '../src/config.ts';
import type { Engine } from '../src/engine/engine.ts';
import { createMetrics } from '../src/metrics.ts';

/** Writes openapi.yaml, the description that the server itself gives at /openapi.yaml. */
const metrics = createMetrics();
// Describing the routes calls none of them, so nothing is asked of the engine.
const app = createApp({ config: readConfig({}).config, engine: {} as Engine, metrics });
const { body } = await app.inject('/openapi.yaml');
await writeFile(new URL('../openapi.yaml', import.meta.url), body);
await app.close();
metrics.close();
