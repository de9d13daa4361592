import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { parse } from 'yaml';
import { readConfig } from '../src/config.ts';
import { createService } from '../src/service.ts';
import { clientTypes } from './client-types.ts';

/** Writes openapi.yaml, the description that a server with the built-in kinds gives at /openapi.yaml, and client/openapi.ts, its types. */
const dataDir = mkdtempSync(join(tmpdir(), 'runwire-openapi-'));
const { config } = readConfig({ RUNWIRE_DATA_DIR: dataDir });
const service = await createService({ config, environment: {}, log: pino({ level: 'silent' }) });
const { statusCode, body } = await service.app.inject('/openapi.yaml');
if (statusCode === 200) {
  await writeFile(new URL('../openapi.yaml', import.meta.url), body);
  await writeFile(new URL('../client/openapi.ts', import.meta.url), clientTypes(parse(body)));
}
await service.close('quit');
rmSync(dataDir, { recursive: true });
if (statusCode !== 200) throw new Error(`there is no description: ${body}`);
