import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { parse } from 'yaml';
import { readConfig } from '../src/config.ts';
import { createService } from '../src/service.ts';
import { clientTypes } from './client-types.ts';
import { pythonTypes } from './python-types.ts';

/** Writes openapi.yaml, the description that a server with the built-in kinds gives at /openapi.yaml, and its types for the clients. */
const dataDir = mkdtempSync(join(tmpdir(), 'runwire-openapi-'));
const { config } = readConfig({ RUNWIRE_DATA_DIR: dataDir });
const service = await createService({ config, environment: {}, log: pino({ level: 'silent' }) });
const { statusCode, body } = await service.app.inject('/openapi.yaml');
if (statusCode === 200) {
  const description = parse(body);
  for (const [file, text] of [
    ['openapi.yaml', body],
    ['client/openapi.ts', clientTypes(description)],
    ['clients/python/src/runwire/openapi.py', pythonTypes(description)],
  ] as const)
    await writeFile(new URL(`../${file}`, import.meta.url), text);
}
await service.close('quit');
rmSync(dataDir, { recursive: true });
if (statusCode !== 200) throw new Error(`there is no description: ${body}`);
