import { randomBytes } from 'node:crypto';
import type { FileInfo } from '@nestjs-tus/core';
import type { Bucket } from './bucket.js';
import type { ConditionalWrites } from './options.js';
import { isMissing, isPreconditionFailed } from './storage-error.js';

/**
 * Finds out which conditional writes a service does right: AWS and most others If-Match; Ceph's gateway 16 to 18 only without the quotes;
 * some only If-None-Match. A service that takes a write whose condition is false cannot keep two nodes apart.
 *
 * @throws Error for the operator when it does none right
 */
export async function probeConditionalWrites(bucket: Bucket, prefix: string): Promise<ConditionalWrites> {
  const key = `${prefix}.probe-${randomBytes(8).toString('hex')}`;
  const written = (condition: Parameters<Bucket['put']>[2]) => attempt(bucket, key, condition);
  try {
    const etag = await bucket.put(key, 'probe', { IfNoneMatch: '*' });
    if (await written({ IfNoneMatch: '*' })) {
      throw new Error(
        `S3Store needs a service that does conditional writes: this one replaced an object in spite of If-None-Match: * ` +
          `in the bucket "${bucket.name}". Several nodes could not be kept apart on it.`,
      );
    }
    const other = etag.replace(/[0-9a-f]/, (digit) => (digit === '0' ? '1' : '0'));
    if (await written({ IfMatch: other })) return 'generations';
    if (await written({ IfMatch: etag })) return 'if-match';
    const bare = etag.replaceAll('"', '');
    if (await written({ IfMatch: other.replaceAll('"', '') })) return 'generations';
    return (await written({ IfMatch: bare })) ? 'if-match-bare' : 'generations';
  } finally {
    await bucket.remove(key);
  }
}

/** Finds out whether the service takes the headers that all objects get. @throws the service's refusal */
export async function probeHeaders(bucket: Bucket, prefix: string): Promise<void> {
  const key = `${prefix}.probe-${randomBytes(8).toString('hex')}`;
  try {
    await bucket.putWhole(key, Buffer.from('probe'), PROBE, 'probe');
  } finally {
    await bucket.remove(key);
  }
}

const PROBE: FileInfo = {
  id: 'probe',
  size: 5,
  sizeIsDeferred: false,
  offset: 0,
  metaData: {},
  isPartial: false,
  isFinal: false,
  partialUploads: [],
};

async function attempt(
  bucket: Bucket,
  key: string,
  condition: Parameters<Bucket['put']>[2],
): Promise<boolean> {
  try {
    await bucket.put(key, 'probe', condition);
    return true;
  } catch (error) {
    if (isPreconditionFailed(error) || isMissing(error) || isUnknownHeader(error)) return false;
    throw error;
  }
}

/** Services that know no condition on writes say so: 501 NotImplemented, or 400. */
function isUnknownHeader(error: unknown): boolean {
  return (
    error instanceof Error && ['NotImplemented', 'InvalidRequest', 'InvalidArgument'].includes(error.name)
  );
}
