import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { directoryName } from '../../src/disk/run-directory.ts';
import type { Suite } from './files-conformance.ts';

/** Assets and templates, of every kind. */
export function assetsConform({ conformance: { kind }, app, asked, run, finished }: Suite): void {
  const hasWay = () => app().engine.kinds.find((one) => one.kind === kind)?.given !== undefined;
  const put = async (name: string, payload: string) => {
    const headers = { 'content-type': 'application/octet-stream' };
    const response = await app().app.inject({ method: 'PUT', url: `/assets/${name}`, payload, headers });
    expect([200, 201]).toContain(response.statusCode);
  };
  const remove = (name: string) => app().app.inject({ method: 'DELETE', url: `/assets/${name}` });
  const post = (payload: Record<string, unknown>) =>
    app().app.inject({ method: 'POST', url: '/invocations', payload });

  test('assets are those of the versions that were meant, held while the run is not over, and shown by their placeholders', async () => {
    if (!hasWay()) {
      const refused = await post(asked({}, { options: { assets: {} } }));
      expect([refused.statusCode, refused.json().errors]).toEqual([
        422,
        [{ path: 'options.assets', message: `${kind} has no way to assets: it takes none` }],
      ]);
      return;
    }
    const name = `asset-${randomUUID().slice(0, 8)}`;
    await put(name, 'one');
    const environment = { WHERE: '{{static:own}} \\{{static:own}}' };
    const options = { assets: { own: { asset: name, mode: 'copy' }, [name]: {} } };
    const payload = asked({ stayMs: 60_000 }, { environment, options });
    const accepted = await post(payload);
    expect(accepted.statusCode, accepted.body).toBe(202);
    const { invocation_id: id } = accepted.json().invocation;
    await put(name, 'two');
    const held = await remove(`${name}@1`);
    expect([held.statusCode, held.json().code], held.body).toEqual([409, 'asset_in_use']);
    await app().app.inject({
      method: 'POST',
      url: `/invocations/${id}/cancel`,
      payload: { grace_seconds: 0 },
    });
    const { invocation } = await finished(id);
    expect(invocation.environment).toEqual(environment);
    expect(invocation.options.assets).toMatchObject({ own: { version: 1 }, [name]: { version: 1 } });
    expect((await remove(name)).statusCode).toBe(204);
    const root = join(app().dataDir, 'runs', directoryName(id));
    expect(readdirSync(root).filter((one) => one.startsWith('given'))).toEqual([]);
  });

  test('without assets what looks like a placeholder or a template stays; names that are not there are told', async () => {
    const environment = { A: '{{static:none}}', B: '${none} $$' };
    expect((await run({}, { environment })).invocation.environment).toEqual(environment);
    const assets = hasWay() ? { assets: {} } : {};
    const refused = await post(asked({}, { environment, options: { ...assets, template: true } }));
    expect([refused.statusCode, refused.json().errors.map(({ path }: { path: string }) => path)]).toEqual([
      422,
      hasWay() ? ['environment.A', 'environment.B'] : ['environment.B'],
    ]);
  });
}
