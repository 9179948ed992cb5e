import { createCipheriv, createHash } from 'node:crypto';

/** `size` bytes that look random and are the same for the same seed. */
export function randomContent(seed: string, size: number): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

/** A number in [0, 1) for each call, the same sequence for the same seed. */
export function randomNumbers(seed: string): () => number {
  const bytes = randomContent(seed, 64 * 1024);
  let position = 0;
  return () => {
    const value = bytes.readUInt32LE(position % bytes.length) / 2 ** 32;
    position += 4;
    return value;
  };
}
