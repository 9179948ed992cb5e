import { join, relative } from 'node:path';

/** Bytes of a socket's path that fit into `sockaddr_un`, without the final NUL. */
const LONGEST_PATH = process.platform === 'linux' ? 107 : 103;

/**
 * A path of at most `LONGEST_PATH` bytes for a socket somewhere below `directory`. Longer ones are cut by the system without
 * a word, and two processes would meet at the wrong place.
 *
 * @param descriptor of `directory`, opened
 * @throws Error when there is no way to write it that short
 */
export function socketPath(directory: string, descriptor: number, name: string): string {
  const ways = [join(directory, name)];
  // The kernel resolves it to the folder itself, however long the way to it is.
  if (process.platform === 'linux') ways.push(`/proc/self/fd/${descriptor}/${name}`);
  ways.push(relative(process.cwd(), join(directory, name)));
  const path = ways.find((way) => Buffer.byteLength(way) <= LONGEST_PATH);
  if (path === undefined) {
    throw new Error(
      `The lock sockets in ${directory} need a shorter path: choose a directory nearer to the root.`,
    );
  }
  return path;
}
