import { describe, expect, test } from 'vitest';
import { detachKeys, KeyWatch } from '../../../cli/words/detach-keys.ts';

/** What is typed in these pieces, and whether the keys were among it. */
function typed(keys: string, ...pieces: string[]): [string, boolean] {
  const watch = new KeyWatch(detachKeys(keys));
  let passed = '';
  for (const piece of pieces) {
    const { bytes, isFound } = watch.pass(Buffer.from(piece, 'latin1'));
    passed += bytes.toString('latin1');
    if (isFound) return [passed, true];
  }
  return [passed, false];
}

describe('Keys that leave a terminal', () => {
  test.each([
    ['ctrl-p,ctrl-q', [0x10, 0x11]],
    ['ctrl-P', [0x10]],
    ['ctrl-],a', [0x1d, 0x61]],
    ['ctrl-@', [0]],
    ['~,.', [0x7e, 0x2e]],
  ])('%s are bytes', (text, bytes) => {
    expect([...detachKeys(text)]).toEqual(bytes);
  });

  test.each(['', 'ctrl-', 'ctrl-1', 'ab', 'a,,b', 'é'])('%j are none', (text) => {
    expect(() => detachKeys(text)).toThrow('ctrl-p,ctrl-q');
  });

  test('are found wherever they are cut, and nothing else is kept back', () => {
    expect(typed('a,b', 'xaby')).toEqual(['x', true]);
    expect(typed('a,b', 'xa', 'by')).toEqual(['x', true]);
    expect(typed('a,b', 'xa', 'ay')).toEqual(['xaay', false]);
    expect(typed('a,b', 'a')).toEqual(['', false]);
    expect(typed('a,a,b', 'aaab')).toEqual(['a', true]);
    expect(typed('a,b,a,c', 'ababac')).toEqual(['ab', true]);
    expect(typed('ctrl-p,ctrl-q', '\x10x\x10\x10\x11')).toEqual(['\x10x\x10', true]);
  });
});
