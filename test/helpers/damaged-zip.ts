import { ZipFile } from 'yazl';

/** A zip of two files, of which `damaged.txt` has a byte that changed on its way. */
export async function damagedZip(): Promise<Buffer<ArrayBuffer>> {
  const packing = new ZipFile();
  packing.addBuffer(Buffer.from('sound'), 'sound.txt', { compress: false });
  packing.addBuffer(Buffer.from('hello'), 'damaged.txt', { compress: false });
  packing.end();
  const chunks: Buffer[] = [];
  for await (const chunk of packing.outputStream) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  bytes.write('J', bytes.indexOf('hello'));
  return bytes;
}
