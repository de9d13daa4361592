import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { stubApp } from '../helpers/stub-app.ts';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

test('/ tells a program where things are, and each of them is there', async () => {
  await using stub = stubApp();
  const response = await stub.app.inject('/');
  expect(response.statusCode).toBe(200);
  const { name, version, ...places } = response.json();
  expect({ name, version }).toEqual({ name: 'runwire', version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  const { paths } = parse((await stub.app.inject('/openapi.yaml')).body) as { paths: object };
  const known = Object.keys(paths);
  const collections = known.filter((path) =>
    known.some((one) => /^\/[^/]+$/.test(path) && one.startsWith(`${path}/{`)),
  );
  expect(collections.length).toBeGreaterThan(5);
  expect(Object.values(places)).toEqual(expect.arrayContaining(collections));
  for (const place of Object.values<string>(places))
    expect((await stub.app.inject(place)).statusCode, place).toBe(200);
});

test('/ takes a browser to the page of the interface', async () => {
  await using stub = stubApp();
  const response = await stub.app.inject({ url: '/', headers: { accept: BROWSER } });
  expect(response.statusCode).toBe(302);
  expect(response.headers).toMatchObject({ location: 'docs/', vary: 'accept' });
});

test('the page of the interface asks for no other scheme and no other host', async () => {
  await using stub = stubApp();
  const policy = String((await stub.app.inject('/docs/')).headers['content-security-policy']);
  expect(policy).toContain("default-src 'self'");
  expect(policy).not.toMatch(/upgrade-insecure-requests|https?:|\*/);
});
