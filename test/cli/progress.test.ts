import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { beforeEach, expect, test } from 'vitest';
import { clientServer, TOKEN } from '../helpers/client-server.ts';
import { requires } from '../helpers/require.ts';
import { terminal } from '../helpers/terminal.ts';
import { workingPlace } from '../helpers/working-place.ts';

requires('script')('On a terminal', () => {
  const server = clientServer();
  const place = workingPlace();
  const at = async (line: string, variables = {}) => {
    const asked = { RUNWIRE_URL: server.url, RUNWIRE_TOKEN: TOKEN, ...variables };
    const shown = terminal(`cd ${place.path}; ${line}`, asked, { columns: 60 });
    expect(await shown.ended).toBe(0);
    return shown;
  };
  beforeEach(() => {
    writeFileSync(place.at('big'), '');
    truncateSync(place.at('big'), 150_000_000);
  });

  test('a line says how far what goes and what comes is, and nothing of it is left', async () => {
    const sent = await at('runwire run --upload big --pull out -- echo hello');
    expect(sent.bytes()).toMatch(/sending \[#*-*\] \d+% [\d.]+ MB of 150.0 MB, /);
    expect(sent.bytes()).toMatch(/receiving \[#*-*\] \d+% [\d.]+ MB of 150.0 MB, /);
    expect(sent.screen()).toEqual(['hello', '']);
  });

  test('there is no such line with NO_COLOR, where it is dumb, beside JSON, and in a pipe', async () => {
    for (const variables of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
      const shown = await at('runwire asset put big big', variables);
      expect(shown.bytes().replaceAll('\r', '')).toBe('big@1\n');
    }
    expect((await at('runwire asset put -o json big big')).bytes()).toMatch(/^\{/);
    await at('runwire asset get big there 2> errors');
    expect(readFileSync(place.at('errors'), 'utf8')).toBe('');
  });
});
