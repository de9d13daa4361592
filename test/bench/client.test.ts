import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, startClient } from '../../bench/client.ts';

const directory = mkdtempSync(join(tmpdir(), 'runwire-bench-'));
const module = pathToFileURL(resolve(import.meta.dirname, '../../bench/client.ts')).href;
let client: Client;

beforeAll(() => {
  const script = join(directory, 'client.ts');
  writeFileSync(
    script,
    `import { answerPlans } from '${module}';
     await answerPlans(async ({ say, how }) => {
       if (how === 'exit') process.exit(3);
       if (how === 'hang') await new Promise(() => setInterval(() => {}, 1000));
       if (how === 'fail') throw new Error(say);
       return { said: say };
     });`,
  );
  client = startClient(script);
});
afterAll(() => {
  client.stop();
  rmSync(directory, { recursive: true });
});

test('A client answers plan after plan', async () => {
  expect(await client.ask({ say: 1 }, 20)).toEqual({ said: 1 });
  expect(await client.ask({ say: 2 }, 20)).toEqual({ said: 2 });
});

test('A plan that fails is told, and the client goes on', async () => {
  await expect(client.ask({ how: 'fail', say: 'no such server' }, 20)).rejects.toThrow('no such server');
  expect(await client.ask({ say: 3 }, 20)).toEqual({ said: 3 });
});

test('A client that ends or gives no report fails its plan only', async () => {
  await expect(client.ask({ how: 'exit' }, 20)).rejects.toThrow('ended (3)');
  expect(await client.ask({ say: 4 }, 20)).toEqual({ said: 4 });
  await expect(client.ask({ how: 'hang' }, 0.3)).rejects.toThrow('no report within 0.3 s');
  expect(await client.ask({ say: 5 }, 20)).toEqual({ said: 5 });
});
