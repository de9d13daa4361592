import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BuiltApp, buildApp } from '../helpers/build-app.ts';
import { findProgram, requires } from '../helpers/require.ts';

requires('chromium')('A real browser', () => {
  let app: BuiltApp;
  let address: string;
  let browser: Browser;

  beforeAll(async () => {
    app = await buildApp({ config: { RUNWIRE_ALLOWED_HOSTS: 'runwire.test' } });
    address = await app.listen();
    browser = await chromium.launch({
      executablePath: findProgram('chromium', 'chromium-browser', 'google-chrome') ?? 'chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--host-resolver-rules=MAP runwire.test 127.0.0.1',
      ],
    });
  });
  afterAll(async () => {
    await browser?.close();
    await app?.end();
  });

  test('shows the page of the interface without asking any other host', async () => {
    const page = await browser.newPage();
    const asked: string[] = [];
    const errors: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(`${address}/docs/`);
    await page.getByText('Start a run').first().waitFor();
    expect(asked.filter((url) => !url.startsWith(address) && !url.startsWith('data:'))).toEqual([]);
    expect(errors).toEqual([]);
    await page.close();
  });

  test('shows it over http under a name that is not loopback, and its example runs as it stands', async () => {
    const { port } = new URL(address);
    const page = await browser.newPage();
    await page.goto(`http://runwire.test:${port}/`);
    await page.getByText('Start a run').first().click();
    await page.getByRole('button', { name: 'Try it out' }).click();
    const answered = page.waitForResponse((response) => response.request().method() === 'POST');
    await page.getByRole('button', { name: 'Execute' }).click();
    const response = await answered;
    expect(response.status()).toBe(202);
    expect(await response.json()).toMatchObject({ invocation: { runtime_kind: 'subprocess' } });
    expect(new URL(page.url()).pathname).toBe('/docs/');
    await page.close();
  });

  test('follows a run with EventSource from a page of the same origin, and resumes by itself', async () => {
    await app.app.inject({
      method: 'POST',
      url: '/invocations',
      payload: {
        invocation_id: 'seen',
        runtime_kind: 'subprocess',
        command: ['sh', '-c', 'for i in 1 2 3; do echo $i; sleep 0.1; done'],
      },
    });
    const page = await browser.newPage();
    await page.goto(`${address}/healthz`);
    const events = await page.evaluate(
      () =>
        new Promise<string[]>((resolve) => {
          const seen: string[] = [];
          const source = new EventSource('/invocations/seen/events');
          for (const type of ['status', 'stdout', 'artifact'])
            source.addEventListener(type, (event) => seen.push((event as MessageEvent).lastEventId));
          source.addEventListener('finished', (event) => {
            seen.push((event as MessageEvent).lastEventId);
            // The server ends the stream; the reconnect gets 204, after which EventSource gives up.
            source.onerror = () => {
              if (source.readyState === EventSource.CLOSED) resolve(seen);
            };
          });
        }),
    );
    expect(events.map(Number)).toEqual(events.map((_, index) => index + 1));
    await page.close();
  });

  test('a page of another site can neither start a run nor read one', async () => {
    const evil = createServer((_, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(`<!doctype html><title>another site</title>
        <form method="post" action="${address}/invocations" enctype="text/plain">
          <input name='{"runtime_kind":"subprocess","command":["true"],"metadata":{"x":"' value='"}}'>
          <button>win</button>
        </form>`);
    });
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
    const { port } = evil.address() as AddressInfo; // listening on TCP
    const before = app.engine.list({ limit: 100 }).items.length;
    const page = await browser.newPage();
    await page.goto(`http://localhost:${port}/`);
    const outcomes = await page.evaluate(async (target) => {
      const body = JSON.stringify({ runtime_kind: 'subprocess', command: ['true'] });
      const attempts: RequestInit[] = [
        { method: 'POST', body, headers: { 'content-type': 'application/json' } },
        { method: 'POST', body, headers: { 'content-type': 'text/plain' }, mode: 'no-cors' },
        { method: 'GET' },
      ];
      const results: string[] = [];
      for (const attempt of attempts)
        results.push(
          await fetch(`${target}/invocations`, attempt).then(
            (response) => `${response.type} ${response.status}`,
            () => 'refused',
          ),
        );
      return results;
    }, address);
    await page.getByText('win').click();
    await page.waitForURL(`${address}/invocations`);
    expect(outcomes).toEqual(['refused', 'opaque 0', 'refused']);
    expect(await page.content()).toMatch(/forbidden_origin|unsupported_media_type/);
    expect(app.engine.list({ limit: 100 }).items.length).toBe(before);
    await page.close();
    await new Promise((resolve) => evil.close(resolve));
  });
});
