import type { Backend } from '@nestjs-tus/object-storage';
import { S3Assembly } from '../assembly.js';
import { S3Objects } from '../objects.js';
import type { ConditionalWrites, ResolvedOptions } from '../options.js';
import type { Calls } from './calls.js';
import { endpointOf } from './client.js';
import type { DownloadUrls } from './download-urls.js';
import { S3_MAX_COPY, S3_MAX_PART } from './limits.js';
import { probeConditionalWrites, probeHeaders } from './probe.js';
import { headersProblem, startProblem } from './problems.js';

/**
 * Checks bucket, keys, rights and clock, and finds out which conditional writes the service does right.
 * @throws Error with a text for the operator
 */
export async function openService(
  calls: Calls,
  options: ResolvedOptions,
  urls: DownloadUrls | undefined,
): Promise<Backend> {
  const objects = new S3Objects(calls, await conditionalWrites(calls, options), urls);
  await tryHeaders(objects, calls, options);
  const { minPartSize, maxParts, equalParts } = options;
  const assembly = new S3Assembly(calls, {
    minPiece: minPartSize,
    maxPiece: S3_MAX_PART,
    maxPieces: maxParts,
    maxCopy: S3_MAX_COPY,
    equal: equalParts,
  });
  return { objects, assembly };
}

async function conditionalWrites(calls: Calls, options: ResolvedOptions): Promise<ConditionalWrites> {
  const { bucket, objectPrefix } = options;
  try {
    await new S3Objects(calls, 'if-match').list(objectPrefix, {}, 1);
    return options.conditionalWrites ?? (await probeConditionalWrites(calls, objectPrefix));
  } catch (error) {
    throw startProblem(error, bucket, await endpointOf(calls.client));
  }
}

/** Headers that a function says are not known before there is an upload. */
async function tryHeaders(
  objects: S3Objects,
  { client }: Calls,
  { object, objectPrefix }: ResolvedOptions,
): Promise<void> {
  if (typeof object === 'function' || Object.keys(object).length === 0) return;
  try {
    await probeHeaders(objects, objectPrefix);
  } catch (error) {
    throw headersProblem(error, await endpointOf(client));
  }
}
