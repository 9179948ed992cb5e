import type { IncomingMessage } from 'node:http';
import type { Hash } from 'node:crypto';
import { errors } from '../errors.js';
import { readDigests, startHash, type DigestAlgorithm, type Digests } from '../headers/digest-fields.js';
import { failUnlessWhole, type Verification } from './verification.js';

/** A Content-Digest (RFC 9530) that a request has: in its header, or in a trailer that follows the body. */
export type AnnouncedDigest =
  { readonly in: 'digest-header'; readonly expected: Digests } | { readonly in: 'digest-trailer' };

/** Computes the digests of a body while it passes. Every one that was announced must fit. */
export function startDigestVerification(announced: AnnouncedDigest, request: IncomingMessage): Verification {
  const algorithms = announced.in === 'digest-header' ? [...announced.expected.keys()] : EITHER;
  const hashes = new Map(algorithms.map((algorithm) => [algorithm, startHash(algorithm)]));
  return {
    inspect(chunk) {
      for (const hash of hashes.values()) hash.update(chunk);
    },
    verify(body) {
      failUnlessWhole(body);
      // A trailer that did not come, or is malformed, is a field to ignore.
      const expected =
        announced.in === 'digest-header'
          ? announced.expected
          : readDigests(request.trailers['content-digest']);
      if (expected) failUnlessEqual(hashes, expected);
    },
  };
}

const EITHER: readonly DigestAlgorithm[] = ['sha-256', 'sha-512'];

/** @throws HttpError `ERR_DIGEST_MISMATCH` (400) */
export function failUnlessEqual(hashes: ReadonlyMap<DigestAlgorithm, Hash>, expected: Digests): void {
  for (const [algorithm, digest] of expected) {
    if (!hashes.get(algorithm)?.digest().equals(digest)) throw errors.digestMismatch();
  }
}
