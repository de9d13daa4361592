import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tarOf } from '../../client/runwire.ts';
import { clientServer, TOKEN } from '../helpers/client-server.ts';
import { requires } from '../helpers/require.ts';
import { terminal } from '../helpers/terminal.ts';

const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** A registry with one image of one layer, of which it gives a half, slowly, until it is let go on. */
class SlowRegistry {
  readonly #blobs = new Map<string, { type: string; bytes: Buffer }>();
  readonly #server: Server;
  readonly #layer: string;
  readonly #manifest: string;
  #isHeld = true;
  readonly #held = Promise.withResolvers<void>();

  constructor(files: Buffer) {
    const keep = (type: string, bytes: Buffer) => {
      this.#blobs.set(digestOf(bytes), { type, bytes });
      return { mediaType: type, digest: digestOf(bytes), size: bytes.length };
    };
    const kind = 'application/vnd.docker';
    const config = {
      architecture: 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: [digestOf(files)] },
    };
    const layer = keep(`${kind}.image.rootfs.diff.tar.gzip`, gzipSync(files));
    const manifest = keep(
      `${kind}.distribution.manifest.v2+json`,
      Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: `${kind}.distribution.manifest.v2+json`,
          config: keep(`${kind}.container.image.v1+json`, Buffer.from(JSON.stringify(config))),
          layers: [layer],
        }),
      ),
    );
    this.#layer = layer.digest;
    this.#manifest = manifest.digest;
    this.#server = createServer((request, response) => {
      const name = request.url?.split('/').at(-1) ?? '';
      const digest = name === 'latest' ? this.#manifest : name;
      const blob = this.#blobs.get(digest);
      if (!blob) return response.end('{}');
      const { type, bytes } = blob;
      response.writeHead(200, {
        'content-type': type,
        'content-length': bytes.length,
        'docker-content-digest': digest,
      });
      if (request.method === 'HEAD') return response.end();
      if (digest !== this.#layer) return response.end(bytes);
      void this.#trickle(bytes, response);
    });
  }

  async #trickle(bytes: Buffer, response: ServerResponse): Promise<void> {
    const size = Math.ceil(bytes.length / 100);
    for (let at = 0; at < bytes.length; at += size) {
      if (at > bytes.length / 2) await this.#held.promise;
      response.write(bytes.subarray(at, at + size));
      if (this.#isHeld) await pause(100);
    }
    response.end();
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}/slow:latest`;
  }

  goOn(): void {
    this.#isHeld = false;
    this.#held.resolve();
  }

  close(): void {
    this.goOn();
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

requires('docker', 'script')('The image of a run', () => {
  const server = clientServer();
  let registry: SlowRegistry;
  let image: string;
  beforeAll(async () => {
    const entry = { path: 'large', body: randomBytes(4_000_000) };
    registry = new SlowRegistry(Buffer.from(await tarOf([entry]).arrayBuffer()));
    image = await registry.listen();
  });
  afterAll(() => {
    registry?.close();
    spawnSync('docker', ['image', 'rm', image]);
  });

  test('comes with a bar on the terminal, of which nothing is left', async () => {
    const running = terminal(`runwire run --image ${image} -- /nothing`, {
      RUNWIRE_URL: server.url,
      RUNWIRE_TOKEN: TOKEN,
    });
    await expect
      .poll(() => running.screen().join('\n'))
      .toMatch(/ pulls \S+\/slow:latest: \[#+-+\] \d+% of 4\.0 MB, 0 of/);
    registry.goOn();
    expect(await running.ended).toBe(127);
    expect(running.screen().filter((line) => line.includes('pulls'))).toEqual([]);
  });
});
