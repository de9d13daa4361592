import { expect, test } from 'vitest';
import { remoteOf, written } from '../../../cli/files/place.ts';

test.each([
  ['id:a/b', { kind: 'run', id: 'id', path: 'a/b', contents: false, isDirectory: false }],
  ['id:', { kind: 'run', id: 'id', path: '', contents: true, isDirectory: true }],
  ['ws/id:a/.', { kind: 'workspace', id: 'id', path: 'a', contents: true, isDirectory: true }],
  ['snap/id:a/', { kind: 'snapshot', id: 'id', path: 'a', contents: false, isDirectory: true }],
  ['run/id:./a//b:c', { kind: 'run', id: 'id', path: 'a/b:c', contents: false, isDirectory: false }],
])('%s names something of the server', (text, remote) => {
  expect(remoteOf(text)).toEqual(remote);
});

test.each(['a', './id:a', '/id:a', '../id:a', '-'])('%s is a path here', (text) => {
  expect(remoteOf(text)).toBeNull();
});

test('a path that leads up is refused, and another is told as it was written', () => {
  expect(() => remoteOf('ws/id:a/../b')).toThrow('leads out');
  expect(written({ kind: 'workspace', id: 'x', path: 'a', contents: false, isDirectory: false })).toBe(
    'ws/x:a',
  );
});
