import type { Readable } from 'node:stream';

/**
 * The bytes of a source until it ends or breaks. How it broke is known to the one that made the source, and the bytes
 * that came count. An error in the loop that reads this does not end up here.
 *
 * @param onBreak called when it broke
 */
export async function* arriving(
  source: Readable,
  onBreak: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of source) yield chunk instanceof Uint8Array ? chunk : Buffer.from(String(chunk));
  } catch {
    onBreak();
  }
}
