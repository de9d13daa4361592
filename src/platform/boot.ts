import { readFileSync } from 'node:fs';

/** What names the time since the machine was started (Linux); null where nothing does. */
export function bootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return null;
  }
}
