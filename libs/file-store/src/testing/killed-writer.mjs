import { writeSync } from 'node:fs';
import { Readable } from 'node:stream';

/**
 * Appends chunks to an upload until it is killed, every third of them wrong and refused. Byte n of the upload is n mod 251,
 * that of a wrong chunk 255. The offset after each chunk goes to stdout. The built library is an argument.
 */
const [directory, durability, library] = process.argv.slice(2);
const { FileStore } = await import(library);
const store = new FileStore({ directory, durability });
const upload = store.asVerifiableUpload(await store.getUpload('a', {}));

const right = (offset, length) => Buffer.from(Array.from({ length }, (_, index) => (offset + index) % 251));
const pieces = (chunk) => Readable.from([chunk.subarray(0, 700), chunk.subarray(700)], { objectMode: false });
const accept = () => Promise.resolve();
const refuse = () => Promise.reject(new Error('wrong'));

for (let offset = 0, turn = 0; ; turn += 1) {
  if (turn % 3 === 2)
    await upload
      .writeVerifiedChunk(offset, pieces(Buffer.alloc(3_000, 255)), refuse, {})
      .catch(() => undefined);
  else offset += await upload.writeVerifiedChunk(offset, pieces(right(offset, 1_000)), accept, {});
  writeSync(1, `${offset}\n`);
}
