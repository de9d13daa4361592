import type { Run, RunRecord } from '../../client/runwire.ts';
import { EXIT, exitCodeOf } from '../process/exit-codes.ts';
import { say } from '../process/say.ts';
import type { Screen } from '../process/screen.ts';
import { ReaderGone, Sink } from '../process/sink.ts';
import { KeyWatch } from '../words/detach-keys.ts';
import { showSetup } from './channels.ts';
import { hasSetup } from './follow.ts';
import { unsaid } from './verdict.ts';

/** Our terminal is that of a run, until that has finished or the keys to leave it are typed. The exit code that it means. */
export async function sitAt(run: Run, record: RunRecord, screen: Screen, keys: Buffer): Promise<number> {
  const setupOver = new AbortController();
  const terminal = run.terminal({
    onNotice: (notice) => {
      if (notice.type === 'gap') say(`${notice.length} bytes of the output were not kept: ${notice.reason}`);
      else say(`${notice.detail} [${notice.code}]`);
    },
  });
  terminal.ended.catch(() => {}); // it is told to who reads what is shown
  if (hasSetup(record)) void showSetup(run, setupOver.signal).catch(() => {});
  let hasLeft = false;
  const watch = new KeyWatch(keys);
  screen.take();
  try {
    screen.onResize((size) => terminal.resize(size));
    terminal.resize(screen.size);
    screen.onKeys((typed) => {
      const { bytes, isFound } = watch.pass(typed);
      if (bytes.length > 0) void terminal.type(bytes).catch(() => {}); // it has ended
      if (!isFound) return;
      hasLeft = true;
      terminal.close();
    });
    const sink = new Sink(1);
    for await (const part of terminal) {
      setupOver.abort();
      await sink.write(part);
    }
    await sink.flush();
  } catch (error) {
    if (!(error instanceof ReaderGone)) throw error;
    screen.release();
    say(`nobody reads the output; the run goes on. To end it: runwire cancel ${run.id}`);
    return EXIT.unread;
  } finally {
    setupOver.abort();
    terminal.close();
    screen.release();
  }
  if (hasLeft) {
    say(`left; the run goes on. Back to it: runwire attach ${run.id}. To end it: runwire cancel ${run.id}`);
    return EXIT.succeeded;
  }
  const finished = await run.wait();
  for (const line of unsaid(finished)) say(line);
  return exitCodeOf(finished);
}
