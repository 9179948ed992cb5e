import { read, withFile } from './files.js';

/** More than most infos are; a longer one takes another read. */
const FIRST_READ = 4_000;

/** Reads a small text file: one read for most, where `readFile` asks for the size first and reads once more at the end. */
export function readText(path: string): Promise<string> {
  return withFile(path, 'r', async (fd) => {
    let buffer = Buffer.allocUnsafe(FIRST_READ);
    let length = await read(fd, buffer, buffer.length, 0);
    while (length === buffer.length) {
      const larger = Buffer.allocUnsafe(buffer.length * 4);
      buffer.copy(larger);
      buffer = larger;
      length += await read(fd, buffer.subarray(length), buffer.length - length, length);
    }
    return buffer.toString('utf8', 0, length);
  });
}
