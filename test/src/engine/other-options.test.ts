import { expect, test } from 'vitest';
import { buildApp } from '../../helpers/build-app.ts';

test('options of another kind than that of the run are checked too: what is kept is what the schema says', async () => {
  const built = await buildApp();
  try {
    const post = (options: object) =>
      built.app.inject({
        method: 'POST',
        url: '/invocations',
        payload: { runtime_kind: 'subprocess', command: ['true'], options },
      });
    const refused = await post({ docker: { image: 'x', cap_add: ['no such'] }, http: { url: 'http://h/' } });
    expect(refused.statusCode).toBe(422);
    expect(refused.json().errors[0].path).toBe('options.docker.cap_add.0');
    expect((await post({ http: { urls: [] } })).json().errors[0].path).toBe('options.http.urls');
    expect((await post({ docker: { image: 'x' }, http: { url: 'http://h/' } })).statusCode).toBe(202);
  } finally {
    await built.end();
  }
});
