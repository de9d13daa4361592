import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { AssetAddresses, GOOD_FOR_SECONDS } from '../../../src/assets/addresses.ts';
import { callbackAddresses } from '../../../src/run/callback-address.ts';

const KEY = Buffer.alloc(32, 'k');
const NOW = Date.UTC(2026, 0, 1);
const addresses = new AssetAddresses(KEY, () => 'https://runwire.example/base');
const asset = { name: 'model', version: 3 };
const run = { id: 'a run/ä&signature=x', createdAt: 1000 };
const known = { createdAt: 1000, isFinished: false };

function signedIn(address: string) {
  const { searchParams } = new URL(address);
  const [run, expires, signature] = ['run', 'expires', 'signature'].map(
    (name) => searchParams.get(name) ?? '',
  );
  return { run: run ?? '', expires: Number(expires), signature: signature ?? '' };
}

/** With a last letter of which the bits that are left over are others. */
function otherwise(signature: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return signature.slice(0, -1) + letters[letters.indexOf(signature.at(-1) ?? '') + 1];
}

test('an address is below the public one, names one version, and is good for its run alone', () => {
  const address = addresses.of(asset, run, NOW);
  expect(address).toMatch(/^https:\/\/runwire\.example\/base\/assets\/model@3\/content\?run=/);
  const signed = signedIn(address);
  expect(signed.run).toBe(run.id);
  expect(() => addresses.prove(asset, signed, known, NOW)).not.toThrow();
  expect(() => addresses.prove(asset, signed, known, NOW + (GOOD_FOR_SECONDS - 1) * 1000)).not.toThrow();
  const code = 'bad_signature';
  for (const other of [
    { ...asset, name: 'mode' },
    { ...asset, version: 30 },
    { ...asset, version: 0 },
  ])
    expect(() => addresses.prove(other, signed, known, NOW)).toThrow(expect.objectContaining({ code }));
  for (const change of [
    { run: 'another' },
    { expires: signed.expires + 1 },
    { signature: '' },
    { signature: signed.signature.slice(0, -1) },
    { signature: `${signed.signature}AA` },
    { signature: signed.signature.toUpperCase() },
    // These are the same bytes in base64.
    { signature: `${signed.signature}=` },
    { signature: ` ${signed.signature}` },
    { signature: otherwise(signed.signature) },
    { signature: Buffer.from(signed.signature, 'base64url').toString('base64') },
    { signature: '\0' },
  ])
    expect(() => addresses.prove(asset, { ...signed, ...change }, known, NOW)).toThrow(
      expect.objectContaining({ code }),
    );
  // The id was used again by a later run, or there is none.
  for (const another of [{ ...known, createdAt: 1001 }, null])
    expect(() => addresses.prove(asset, signed, another, NOW)).toThrow(expect.objectContaining({ code }));
});

test('it is over when it expires and when the run is finished, and that is told to who has a right one alone', () => {
  const signed = signedIn(addresses.of(asset, run, NOW));
  const code = 'address_expired';
  const later = NOW + (GOOD_FOR_SECONDS + 1) * 1000;
  expect(() => addresses.prove(asset, signed, known, later)).toThrow(expect.objectContaining({ code }));
  expect(() => addresses.prove(asset, signed, { ...known, isFinished: true }, NOW)).toThrow(
    expect.objectContaining({ code }),
  );
  const forged = { ...signed, signature: Buffer.alloc(32).toString('base64url') };
  expect(() => addresses.prove(asset, forged, { ...known, isFinished: true }, later)).toThrow(
    expect.objectContaining({ code: 'bad_signature' }),
  );
});

test('no words of a name, a number or an id are taken for others, and a callback proves nothing', () => {
  const ids = ['1', '1\n1', '11', 'x\n1000\n1'];
  const signatures = new Set<string>();
  for (const id of ids)
    for (const createdAt of [1, 11])
      for (const version of [1, 11])
        signatures.add(
          addresses.of({ name: 'n', version }, { id, createdAt }, NOW).split('signature=')[1] ?? '',
        );
  expect(signatures.size).toBe(ids.length * 4);
  const token =
    new URL(callbackAddresses(KEY).of({ id: run.id, createdAt: 1000 })).searchParams.get('token') ?? '';
  const other = createHmac('sha256', Buffer.alloc(32, 'o')).update('asset').digest('base64url');
  for (const signature of [token, other])
    expect(() =>
      addresses.prove(asset, { run: run.id, expires: NOW / 1000 + 5, signature }, known, NOW),
    ).toThrow(expect.objectContaining({ code: 'bad_signature' }));
});
