import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Program } from './peer.ts';

const LINE = 'a line of text as a compiler or a test run prints it: 12345 passed, 0 failed\n';
const LAST_LINE = 'the end of the output\n';
const TEN_KB = 10_240;

/** The head that a CGI program prints before its output. */
export const CGI_HEAD = 'Status: 200\r\nContent-Type: text/plain\r\n\r\n';

/** What every server runs: nothing at all, and a program that prints 10 KB of text. */
export function programs(directory: string): Program[] {
  mkdirSync(directory, { recursive: true });
  const text = join(directory, 'text');
  writeFileSync(text, tenKilobytes());
  return [
    { name: '/bin/true', command: ['/bin/true'], lastLine: '' },
    { name: '10 KB of output', command: ['/bin/cat', text], lastLine: LAST_LINE.trim() },
  ];
}

export function tenKilobytes(): string {
  return `${LINE.repeat(TEN_KB / LINE.length + 1).slice(0, TEN_KB - LAST_LINE.length - 1)}\n${LAST_LINE}`;
}
