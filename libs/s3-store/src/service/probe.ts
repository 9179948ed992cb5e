import { randomBytes } from 'node:crypto';
import type { FileInfo } from '@nestjs-tus/core';
import { Changed, Missing, type PutOptions } from '@nestjs-tus/object-storage';
import { S3Objects } from '../objects.js';
import type { ConditionalWrites } from '../options.js';
import type { Calls } from './calls.js';
import { hasName } from './problems.js';

/**
 * Finds out which conditional writes a service does right: AWS and most others If-Match; Ceph's gateway 16 to 18 only without the quotes;
 * some only If-None-Match. A service that takes a write whose condition is false cannot keep two nodes apart.
 *
 * @throws Error for the operator when it does none right
 */
export async function probeConditionalWrites(calls: Calls, prefix: string): Promise<ConditionalWrites> {
  const key = `${prefix}.probe-${randomBytes(8).toString('hex')}`;
  const quoted = new S3Objects(calls, 'if-match');
  const bare = new S3Objects(calls, 'if-match-bare');
  const written = (objects: S3Objects, condition: PutOptions) => attempt(objects, key, condition);
  try {
    const etag = await quoted.put(key, 'probe', { unless: 'exists' });
    if (await written(quoted, { unless: 'exists' })) {
      throw new Error(
        `S3Store needs a service that does conditional writes: this one replaced an object in spite of If-None-Match: * ` +
          `in the bucket "${calls.bucket}". Several nodes could not be kept apart on it.`,
      );
    }
    const other = etag.replace(/[0-9a-f]/, (digit) => (digit === '0' ? '1' : '0'));
    if (await written(quoted, { ifVersion: other })) return 'generations';
    if (await written(quoted, { ifVersion: etag })) return 'if-match';
    if (await written(bare, { ifVersion: other })) return 'generations';
    return (await written(bare, { ifVersion: etag })) ? 'if-match-bare' : 'generations';
  } finally {
    await quoted.remove(key);
  }
}

/** Finds out whether the service takes the headers that all objects get. @throws the service's refusal */
export async function probeHeaders(objects: S3Objects, prefix: string): Promise<void> {
  const key = `${prefix}.probe-${randomBytes(8).toString('hex')}`;
  try {
    await objects.put(key, 'probe', { unless: 'exists', owner: { info: PROBE, attempt: 'probe' } });
  } finally {
    await objects.remove(key);
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

async function attempt(objects: S3Objects, key: string, condition: PutOptions): Promise<boolean> {
  try {
    await objects.put(key, 'probe', condition);
    return true;
  } catch (error) {
    if (error instanceof Changed || error instanceof Missing || isUnknownHeader(error)) return false;
    throw error;
  }
}

/** Services that know no condition on writes say so: 501 NotImplemented, or 400. */
function isUnknownHeader(error: unknown): boolean {
  return hasName(error, 'NotImplemented', 'InvalidRequest', 'InvalidArgument');
}
