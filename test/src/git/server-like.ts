import { join } from 'node:path';
import { GitSource } from '../../../src/git/source.ts';
import { addressGuard } from '../../../src/outbound/address-guard.ts';

/** A process that brings a tree as a server does: url, directory. */
const [, , url = '', root = ''] = process.argv;
const source = new GitSource({
  guard: addressGuard(),
  secrets: new Map(),
  path: process.env.PATH ?? '',
  timeoutSeconds: 60,
  maxFiles: 1000,
});
await source.fill(
  { url },
  {
    directory: join(root, 'tree'),
    beside: join(root, 'beside'),
    maxBytes: 1e9,
    signal: new AbortController().signal,
    log: console.error,
  },
);
