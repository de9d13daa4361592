import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const IMAGE_BYTES = 24 * 1024 * 1024;

/** An ext4 of its own that can be made to fail as one does on a broken disk: it turns read-only, for good. */
export class FailingDisk implements Disposable {
  readonly path: string;
  readonly #place = mkdtempSync(join(tmpdir(), 'runwire-ext4-'));
  readonly #device: string;

  constructor() {
    const image = join(this.#place, 'image');
    writeFileSync(image, '');
    truncateSync(image, IMAGE_BYTES);
    execFileSync('mkfs.ext4', ['-q', '-F', image]);
    this.path = mkdtempSync(join(this.#place, 'disk-'));
    execFileSync('mount', ['-o', 'loop,errors=remount-ro', image, this.path]);
    this.#device = execFileSync('findmnt', ['-no', 'SOURCE', this.path], { encoding: 'utf8' }).trim();
  }

  fail(): void {
    writeFileSync(faultOf(this.#device), 'a fault of the test');
  }

  [Symbol.dispose](): void {
    execFileSync('umount', ['--lazy', this.path]);
    rmSync(this.#place, { recursive: true, force: true });
  }
}

function faultOf(device: string): string {
  return `/sys/fs/ext4/${basename(device)}/trigger_fs_error`;
}

/** Why there can be none here, or undefined. */
export function whyNoFailingDisk(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux can mount one';
  const kernel = existsSync('/sys/fs/ext4')
    ? readdirSync('/sys/fs/ext4').some((name) => existsSync(faultOf(name)))
    : false;
  if (!kernel) return 'the kernel has no ext4 whose faults can be triggered';
  const { error } = spawnSync('mkfs.ext4', ['-V']);
  if (error) return `mkfs.ext4 cannot be started: ${error.message}`;
  try {
    new FailingDisk()[Symbol.dispose]();
    return undefined;
  } catch (failure) {
    return failure instanceof Error ? failure.message : String(failure);
  }
}
