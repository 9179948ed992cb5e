import { read } from './files.js';

/** More than most infos are; a longer one takes another read. */
const FIRST_READ = 4_000;

/** A file that is longer than it may be. */
export class TextTooLong extends Error {
  override readonly name = 'TextTooLong';
}

/**
 * Reads a small text file that is open: one read for most, where `readFile` asks for the size first and reads once more at the end.
 *
 * @param longest bytes
 * @throws TextTooLong
 */
export async function readText(fd: number, longest: number): Promise<string> {
  let buffer = Buffer.allocUnsafe(FIRST_READ);
  let length = await read(fd, buffer, buffer.length, 0);
  while (length === buffer.length) {
    if (length > longest) throw new TextTooLong(`longer than ${longest} bytes`);
    const larger = Buffer.allocUnsafe(buffer.length * 4);
    buffer.copy(larger);
    buffer = larger;
    length += await read(fd, buffer.subarray(length), buffer.length - length, length);
  }
  return buffer.toString('utf8', 0, length);
}
