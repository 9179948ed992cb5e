import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { errors } from '../errors.js';

/** A digest that grows with the body. */
export interface RunningDigest {
  update(chunk: Buffer): void;
  digest(): Buffer;
}

interface Algorithm {
  /** Length of the digest in bytes. */
  readonly length: number;
  start(): RunningDigest;
}

const hash = (name: string, length: number): Algorithm => ({ length, start: () => createHash(name) });

/** CRC-32 as zlib has it; the digest is four bytes, most significant first. */
class Crc32 implements RunningDigest {
  private value = 0;

  update(chunk: Buffer): void {
    this.value = crc32(chunk, this.value);
  }

  digest(): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.value);
    return bytes;
  }
}

const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map([
  ['sha1', hash('sha1', 20)],
  ['sha256', hash('sha256', 32)],
  ['sha512', hash('sha512', 64)],
  ['md5', hash('md5', 16)],
  ['crc32', { length: 4, start: () => new Crc32() }],
]);

/** Value of Tus-Checksum-Algorithm. */
export const CHECKSUM_ALGORITHMS = [...ALGORITHMS.keys()].join(',');

/** A checksum that a client announced for the body of one request. */
export interface Checksum {
  readonly algorithm: string;
  readonly expected: Buffer;
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * Reads an Upload-Checksum header or trailer: the algorithm's name, a space, the digest in base64.
 * @throws HttpError `ERR_UNSUPPORTED_CHECKSUM_ALGORITHM` or `ERR_INVALID_CHECKSUM` (400)
 */
export function readChecksum(value: string): Checksum {
  const [algorithm = '', digest = '', ...rest] = value.split(' ');
  const known = ALGORITHMS.get(algorithm);
  if (!known) throw errors.unsupportedChecksumAlgorithm();
  if (rest.length > 0 || !BASE64.test(digest) || digest.length % 4 !== 0) throw errors.invalidChecksum();
  const expected = Buffer.from(digest, 'base64');
  if (expected.length !== known.length) throw errors.invalidChecksum();
  return { algorithm, expected };
}

/** Starts the digest of an algorithm that `readChecksum` knows. */
export function startDigest(algorithm: string): RunningDigest {
  const known = ALGORITHMS.get(algorithm);
  if (!known) throw errors.unsupportedChecksumAlgorithm();
  return known.start();
}

/** Starts the digest of every algorithm: for a trailer, which names its own only when the body is over. */
export function startAllDigests(): ReadonlyMap<string, RunningDigest> {
  return new Map([...ALGORITHMS].map(([name, algorithm]) => [name, algorithm.start()]));
}
