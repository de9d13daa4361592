import { expect, test } from 'vitest';
import { requires } from '../../helpers/require.ts';
import { withSubprocesses } from '../../helpers/subprocess-suite.ts';

requires('linux', 'prlimit')('Limits', () => {
  withSubprocesses('The limits of a subprocess', (parts) => {
    const limited = (script: string, limits: Record<string, number>) =>
      parts.sh(script, { options: { limits } });

    test('cpu_seconds ends a program that computes for too long', async () => {
      const record = await limited('while :; do :; done', { cpu_seconds: 1 });
      expect(record).toMatchObject({ status: 'failed', outcome: { signal: 'SIGXCPU' } });
    });

    test('memory_bytes, open_files and file_size_bytes are what the program sees', async () => {
      const record = await limited('ulimit -v; ulimit -n', { memory_bytes: 1024 ** 3, open_files: 32 });
      expect(await parts.stdout(record)).toBe(`${1024 ** 2}\n32\n`);
      const large = await limited('head -c 5000 /dev/zero > file', { file_size_bytes: 4096 });
      expect(large.status).toBe('failed');
    });

    test('a program that is missing never started, also under limits', async () => {
      const record = await parts.run(['/no/such/program'], { options: { limits: { open_files: 32 } } });
      expect(record.outcome).toMatchObject({ ended: 'never_started', retry_safe: true });
    });

    test('processes is refused where the kernel would not enforce it', async (context) => {
      if (process.getuid?.() !== 0) context.skip('the tests do not run as root');
      const record = await limited('true', { processes: 10 });
      expect(record.status).toBe('rejected');
      expect(record.result?.error_summary).toContain('options.limits.processes');
    });
  });
});
