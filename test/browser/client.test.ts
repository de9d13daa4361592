import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { basename } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type * as Client from '../../client/runwire.ts';
import { type BuiltApp, buildApp } from '../helpers/build-app.ts';
import { findProgram, requires } from '../helpers/require.ts';

/** What the page has of it. */
declare const client: typeof Client;
const LOAD = "import * as client from '/client/runwire.ts'; globalThis.client = client;";

requires('chromium')('The client in a browser', () => {
  let app: BuiltApp;
  let browser: Browser;
  let page: Page;
  let address: string;

  beforeAll(async () => {
    app = await buildApp();
    address = await app.listen();
    browser = await chromium.launch({
      executablePath: findProgram('chromium', 'chromium-browser', 'google-chrome') ?? 'chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
      ],
    });
    page = await browser.newPage();
    await page.route('**/client/*.ts', (route) => {
      const name = basename(new URL(route.request().url()).pathname);
      const source = readFileSync(new URL(`../../client/${name}`, import.meta.url), 'utf8');
      return route.fulfill({ contentType: 'text/javascript', body: stripTypeScriptTypes(source) });
    });
    await page.goto(`${address}/healthz`);
    await page.addScriptTag({ type: 'module', content: LOAD });
    await page.waitForFunction(() => 'client' in globalThis);
  });
  afterAll(async () => {
    await browser?.close();
    await app?.end();
  });

  test('runs, watches, feeds and reads', async () => {
    const seen = await page.evaluate(async (url) => {
      const { Runwire } = client;
      const rw = new Runwire({ url });
      const run = await rw.submit(
        {
          runtime_kind: 'subprocess',
          command: ['sh', '-c', 'cat given -; printf "ä\\303"; printf "\\244\\n"'],
          options: { stdin_open: true },
        },
        { files: [{ path: 'given', body: 'a file\n' }] },
      );
      await run.writeStdin('a line\n');
      await run.closeStdin();
      const lines: string[] = [];
      for await (const { text } of run.lines()) lines.push(text);
      const { status } = await run.wait({ check: true });
      return { lines, status, text: await run.text(), artifact: await run.artifact('stdout').text() };
    }, address);
    const text = 'a file\na line\nää\n';
    expect(seen).toEqual({ lines: text.split('\n').slice(0, -1), status: 'succeeded', text, artifact: text });
  });

  test('sends and fetches trees, with hashes that it takes itself', async () => {
    const pulled = await page.evaluate(async (url) => {
      const { Runwire } = client;
      const workspace = await new Runwire({ url }).workspaces.create();
      await workspace.push([{ path: 'tree/a', body: new Blob(['x'.repeat(200_000)]) }]);
      await workspace.put('b', new TextEncoder().encode('bytes'));
      const found: [string, number][] = [];
      for await (const { path, type, body } of workspace.pull()) {
        let length = 0;
        for await (const part of body) length += part.length;
        if (type === 'file') found.push([path, length]);
      }
      await workspace.remove();
      return found;
    }, address);
    expect(pulled.sort()).toEqual([
      ['b', 5],
      ['tree/a', 200_000],
    ]);
  });

  test('has errors by class, and signals', async () => {
    const errors = await page.evaluate(async (url) => {
      const { Runwire, NotFoundError, ConnectionError } = client;
      const failure = (call: Promise<unknown>) =>
        call.then(
          () => null,
          (error: unknown) => error,
        );
      const rw = new Runwire({ url });
      const away = new Runwire({ url: 'http://127.0.0.1:9', retrySeconds: 0 });
      const run = await rw.submit({ runtime_kind: 'subprocess', command: ['sleep', '600'] });
      const ended = await failure(run.wait({ signal: AbortSignal.timeout(300) }));
      await run.cancel();
      return [
        (await failure(rw.attach('none').refresh())) instanceof NotFoundError,
        (await failure(away.health())) instanceof ConnectionError,
        (ended as Error).name,
      ];
    }, address);
    expect(errors).toEqual([true, true, 'TimeoutError']);
  });
});
