import type { Engine } from '../engine.js';
import { errors } from '../errors.js';
import type { FileInfo } from '../file-info.js';
import { formatDigest, readDigests, readWantedDigest } from '../headers/digest-fields.js';
import type { StoreContext, Upload } from '../store/data-store.js';

/**
 * Compares the Repr-Digest that a complete upload's client announced, before anybody processes it.
 *
 * @returns the Repr-Digest that the client wants in the response; undefined when it wants none
 * @throws HttpError `ERR_DIGEST_MISMATCH` (400): final, since no further request can change the content
 */
export async function confirmDigests(
  engine: Engine,
  upload: Upload,
  info: FileInfo,
  context: StoreContext,
): Promise<string | undefined> {
  const { digests } = info;
  if (!digests) return undefined;
  const actual = await engine.digests.of(upload, info, context);
  for (const [algorithm, digest] of readDigests(digests.expected) ?? []) {
    if (!actual.get(algorithm)?.equals(digest)) throw errors.digestMismatch();
  }
  const wanted = readWantedDigest(digests.wanted);
  const digest = wanted && actual.get(wanted);
  return wanted && digest && formatDigest(wanted, digest);
}
