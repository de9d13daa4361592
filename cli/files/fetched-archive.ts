import { mkdirSync } from 'node:fs';
import { ConnectionError, type Download, untarred } from '../../client/runwire.ts';
import { writtenTo } from './copied.ts';
import { isDevice, landingOf } from './destination.ts';
import { counted, interruptibly } from './interruptibly.ts';
import { Landing } from './landing.ts';
import { tellLeftOut } from './receive.ts';

/** So often an archive that breaks off is begun anew. */
const ATTEMPTS = 5;

/** A directory that comes as an archive, which is begun anew where it breaks off. `under`: where its names are in the directory here. */
export function fetchedArchive(content: () => Download, directory: string, under = ''): Promise<void> {
  return interruptibly(async (progress) => {
    mkdirSync(directory, { recursive: true });
    for (let attempt = 1; ; attempt++) {
      const landing = new Landing(directory);
      progress.begin(null);
      try {
        for await (const { path: name, type, mode, modifiedAt, target, body } of untarred(content())) {
          if (name === '.') continue;
          const path = under === '' ? name : `${under}/${name}`;
          if (type === 'directory') landing.directory(path, mode);
          else if (type === 'link') landing.link(path, target ?? '');
          else await landing.file(path, { mode, modifiedAt }, counted(body, progress));
        }
        return tellLeftOut(landing.finish().map((path) => `${path} is a link that leads out`));
      } catch (error) {
        if (!(error instanceof ConnectionError) || attempt === ATTEMPTS) throw error;
      }
    }
  });
}

/** One file, which is compared with its hash. */
export function fetchedFile(bytes: Download, name: string, destination: string): Promise<void> {
  if (isDevice(destination)) return writtenTo(destination, bytes);
  return interruptibly(async (progress) => {
    const { directory, name: as } = landingOf(destination, name);
    progress.begin((await bytes.head()).size);
    const landed = { mode: 0o644, modifiedAt: new Date() };
    await new Landing(directory).file(as, landed, counted(bytes, progress));
  });
}
