import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { extract, pack } from 'tar-stream';
import { expect, test } from 'vitest';
import type { KeptContainer } from '../../../runners/docker/container-record.ts';
import type { DockerDaemon } from '../../../runners/docker/daemon.ts';
import { VisitingFiles } from '../../../runners/docker/visiting.ts';

/** A container whose engine takes what is sent when the test lets it: the order of two transfers is no matter of luck here. */
class HeldContainer {
  readonly files = new Map<string, string>();
  /** What is sent waits for it, by the text that it ends with. */
  holds: (text: string) => Promise<void> | null = () => null;
  readonly daemon = {
    ask: (question: (docker: object) => unknown) =>
      question({ getContainer: () => ({ putArchive: this.#put, exec: this.#exec }) }),
  } as unknown as DockerDaemon;

  readonly #put = async (tar: Readable, { abortSignal }: { abortSignal: AbortSignal }): Promise<void> => {
    const came = new Map<string, string>();
    const entries = extract();
    tar.on('error', (error) => entries.destroy(error)).pipe(entries);
    for await (const entry of entries)
      came.set(entry.header.name, (await buffer(entry as unknown as Readable)).toString());
    await this.holds([...came.values()].at(-1) ?? '');
    abortSignal.throwIfAborted();
    for (const [name, text] of came) this.files.set(name, text);
  };

  readonly #exec = async ({ Cmd }: { Cmd: string[] }): Promise<never> => {
    for (const word of Cmd) this.files.delete(word.slice(1));
    throw new Error('nothing more is told');
  };
}

const CONTAINER = { id: 'c', given: {} } as unknown as KeptContainer;

type Visiting = Parameters<VisitingFiles['bring']>[0];

/** A run with one file of its own. */
function run(id: string, text: string, { path = 'static/words', writable = false } = {}) {
  const controller = new AbortController();
  const file = {
    ...{ path, type: 'file', writable, digest: text, mounted: () => null },
    pack() {
      const tar = pack();
      tar.entry({ name: path }, text);
      tar.finalize();
      return tar;
    },
  };
  const ctx = {
    ...{ invocation: { invocation_id: id }, given: [file], spec: { read_only: false } },
    ...{ signal: controller.signal, output: { progress: () => {} } },
  };
  return { ctx: ctx as unknown as Visiting, abort: () => controller.abort(new Error('cancelled')) };
}

test('what is brought while another takes away what was there stays', async () => {
  const container = new HeldContainer();
  const visiting = new VisitingFiles(container.daemon);
  const [first, second] = [run('first', 'one'), run('second', 'two')];
  expect(await visiting.bring(first.ctx, CONTAINER)).toBe('');
  expect(container.files.get('static/words')).toBe('one');
  const held = Promise.withResolvers<void>();
  let emptying = 0;
  container.holds = (text) => {
    if (text !== '') return null;
    emptying++;
    return held.promise;
  };
  const taken = visiting.takeAway(first.ctx, CONTAINER);
  await expect.poll(() => emptying).toBe(1);
  const brought = visiting.bring(second.ctx, CONTAINER);
  // All that it would do at once is done.
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
  held.resolve();
  expect([await taken, await brought]).toEqual([null, '']);
  expect(container.files.get('static/words')).toBe('two');
  expect(await visiting.takeAway(second.ctx, CONTAINER)).toBe(null);
  expect([...container.files]).toEqual([]);
});

test('of two runs that have the same the second has it, though the first is cancelled while it brings it', async () => {
  const container = new HeldContainer();
  const visiting = new VisitingFiles(container.daemon);
  const [first, second] = [run('first', 'same'), run('second', 'same')];
  const held = Promise.withResolvers<void>();
  let sent = 0;
  container.holds = () => (sent++ === 0 ? held.promise : null);
  const bringing = visiting.bring(first.ctx, CONTAINER);
  await expect.poll(() => sent).toBe(1);
  const sharing = visiting.bring(second.ctx, CONTAINER);
  first.abort();
  held.resolve();
  await expect(bringing).rejects.toThrow('was aborted');
  expect(await visiting.takeAway(first.ctx, CONTAINER)).toBe(null);
  expect(await sharing).toBe('');
  expect(container.files.get('static/words')).toBe('same');
});

test('another thing at the same place, or in it, is refused, and nothing is taken away for that', async () => {
  const container = new HeldContainer();
  const visiting = new VisitingFiles(container.daemon);
  const first = run('first', 'one');
  await visiting.bring(first.ctx, CONTAINER);
  for (const path of ['static/words', 'static/words/deep', 'static'])
    expect(await visiting.bring(run('other', 'two', { path }).ctx, CONTAINER)).toContain('another run');
  expect(container.files.get('static/words')).toBe('one');
  visiting.forget(CONTAINER.id);
  expect(await visiting.bring(run('other', 'two').ctx, CONTAINER)).toBe('');
});
