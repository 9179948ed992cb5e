import { errors } from '@nestjs-tus/core';
import { cloneFile, fdatasync, ftruncate, read, withFile, writeAll } from './files.js';

/** The first `length` bytes of a file. */
export interface FilePart {
  readonly path: string;
  readonly length: number;
}

export interface JoinOptions {
  /** Syncs the result before it is done. */
  readonly isDurable: boolean;
  readonly signal?: AbortSignal;
}

const BLOCK = 1024 * 1024;

/** Writes the parts one after the other into `target`; answers its length. The first one is cloned where that is possible. */
export async function joinFiles(
  parts: readonly FilePart[],
  target: string,
  options: JoinOptions,
): Promise<number> {
  const [first, ...others] = parts;
  if (first) await cloneFile(first.path, target);
  return withFile(target, first ? 'r+' : 'w', async (fd) => {
    let length = first?.length ?? 0;
    await ftruncate(fd, length);
    const block = Buffer.allocUnsafeSlow(others.length > 0 ? BLOCK : 0);
    for (const part of others) {
      await append(part, fd, length, block, options.signal);
      length += part.length;
    }
    if (options.isDurable) await fdatasync(fd);
    return length;
  });
}

async function append(
  { path, length }: FilePart,
  target: number,
  position: number,
  block: Buffer,
  signal: AbortSignal | undefined,
): Promise<void> {
  await withFile(path, 'r', async (source) => {
    let copied = 0;
    while (copied < length) {
      if (signal?.aborted) throw errors.lockLost(signal.reason);
      const count = await read(source, block, Math.min(block.length, length - copied), copied);
      if (count === 0) throw errors.storageUnavailable(new Error('a part is shorter than it was'));
      await writeAll(target, block.subarray(0, count), position + copied);
      copied += count;
    }
  });
}
