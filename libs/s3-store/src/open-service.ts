import type { S3Client } from '@aws-sdk/client-s3';
import { endpointOf } from './client.js';
import { GenerationRecords } from './generation-records.js';
import { IfMatchRecords } from './if-match-records.js';
import { probeConditionalWrites, probeHeaders } from './probe.js';
import type { RecordStore } from './record-store.js';
import { headersProblem, startProblem } from './storage-error.js';
import type { Service } from './upload-state.js';

/** What a store has before it has asked the service anything. */
export type Unopened = Omit<Service, 'records'>;

/**
 * Checks bucket, keys, rights and clock, and finds out which conditional writes the service does right.
 * @throws Error with a text for the operator
 */
export async function openService(store: Unopened, client: S3Client): Promise<Service> {
  const records = await recordStore(store, client);
  await tryHeaders(store, client);
  return { ...store, records };
}

async function recordStore({ bucket, keys, options }: Unopened, client: S3Client): Promise<RecordStore> {
  try {
    await bucket.list(options.objectPrefix, {}, 1);
    const writes = options.conditionalWrites ?? (await probeConditionalWrites(bucket, options.objectPrefix));
    if (writes === 'generations') return new GenerationRecords(bucket, keys);
    return new IfMatchRecords(bucket, keys, writes === 'if-match-bare');
  } catch (error) {
    throw startProblem(error, options.bucket, await endpointOf(client));
  }
}

/** Headers that a function says are not known before there is an upload. */
async function tryHeaders({ bucket, options }: Unopened, client: S3Client): Promise<void> {
  const { object, objectPrefix } = options;
  if (typeof object === 'function' || Object.keys(object).length === 0) return;
  try {
    await probeHeaders(bucket, objectPrefix);
  } catch (error) {
    throw headersProblem(error, await endpointOf(client));
  }
}
