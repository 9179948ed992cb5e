import { createHash, type Hash } from 'node:crypto';
import { serializeDictionary } from 'structured-headers';
import { readDictionary, type FieldValue } from './structured-fields.js';

/** The algorithms of RFC 9530 that are active; its others do not protect anything. */
export type DigestAlgorithm = 'sha-256' | 'sha-512';

const NODE_NAMES: Readonly<Record<DigestAlgorithm, string>> = { 'sha-256': 'sha256', 'sha-512': 'sha512' };
const ALGORITHMS: readonly DigestAlgorithm[] = ['sha-256', 'sha-512'];

/** A digest by each algorithm that was named. */
export type Digests = ReadonlyMap<DigestAlgorithm, Buffer>;

export function startHash(algorithm: DigestAlgorithm): Hash {
  return createHash(NODE_NAMES[algorithm]);
}

/**
 * Reads Content-Digest or Repr-Digest. Algorithms that are not known here are left out.
 * @returns undefined when nothing is left to compare: the field is absent, malformed, or of unknown algorithms only
 */
export function readDigests(field: FieldValue): Digests | undefined {
  const members = readDictionary(field);
  const digests = new Map<DigestAlgorithm, Buffer>();
  for (const algorithm of ALGORITHMS) {
    const value = members?.get(algorithm);
    if (value instanceof ArrayBuffer) digests.set(algorithm, Buffer.from(value));
  }
  return digests.size > 0 ? digests : undefined;
}

/** Reads Want-Repr-Digest: the known algorithm that is wanted most. 0 says "not acceptable". */
export function readWantedDigest(field: FieldValue): DigestAlgorithm | undefined {
  const members = readDictionary(field);
  const wanted = ALGORITHMS.map((algorithm) => ({ algorithm, weight: weightOf(members?.get(algorithm)) }));
  const [first] = wanted.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight);
  return first?.algorithm;
}

export function formatDigest(algorithm: DigestAlgorithm, digest: Buffer): string {
  return serializeDictionary({ [algorithm]: [new Uint8Array(digest), new Map()] });
}

/** "an sf-integer … in the range 0 to 10 inclusive" */
function weightOf(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value <= 10 ? value : 0;
}
