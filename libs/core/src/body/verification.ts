import type { IncomingMessage } from 'node:http';
import { errors } from '../errors.js';
import { readChecksum, startAllDigests, startDigest, type Checksum } from '../headers/checksum.js';
import { startDigestVerification, type AnnouncedDigest } from './digest-verification.js';
import type { RequestBody } from './request-body.js';

/** A checksum that a request announced: in its header, or as a trailer that follows the body. */
export type AnnouncedChecksum =
  { readonly in: 'header'; readonly checksum: Checksum } | { readonly in: 'trailer' } | AnnouncedDigest;

/** Computes what was announced while the body passes, and compares when it is over. */
export interface Verification {
  readonly inspect: (chunk: Buffer) => void;
  /**
   * @throws HttpError `ERR_CHECKSUM_MISMATCH` (460), `ERR_INVALID_CHECKSUM` (400); or the body's own failure: what is not
   *   whole cannot be verified, and therefore does not count
   */
  verify(body: RequestBody): void;
}

export function startVerification(announced: AnnouncedChecksum, request: IncomingMessage): Verification {
  switch (announced.in) {
    case 'header':
      return fromHeader(announced.checksum);
    case 'trailer':
      return fromTrailer(request);
    default:
      return startDigestVerification(announced, request);
  }
}

function fromHeader(checksum: Checksum): Verification {
  const digest = startDigest(checksum.algorithm);
  return {
    inspect: (chunk) => digest.update(chunk),
    verify(body) {
      failUnlessWhole(body);
      if (!digest.digest().equals(checksum.expected)) throw errors.checksumMismatch();
    },
  };
}

function fromTrailer(request: IncomingMessage): Verification {
  const digests = startAllDigests();
  return {
    inspect(chunk) {
      for (const digest of digests.values()) digest.update(chunk);
    },
    verify(body) {
      failUnlessWhole(body);
      const trailer = request.trailers['upload-checksum'];
      if (trailer === undefined) throw errors.invalidChecksum();
      const { algorithm, expected } = readChecksum(trailer);
      if (!digests.get(algorithm)?.digest().equals(expected)) throw errors.checksumMismatch();
    },
  };
}

/** @throws HttpError why the body ended early */
export function failUnlessWhole(body: RequestBody): void {
  if (!body.isWhole) throw body.failure ?? errors.unexpectedEOF();
}
