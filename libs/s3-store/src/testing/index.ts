import type { Backend } from '@nestjs-tus/object-storage';
import { resolveOptions, type S3StoreOptions } from '../options.js';
import { Calls } from '../service/calls.js';
import { makeClient } from '../service/client.js';
import { openService } from '../service/open-service.js';

/** What an S3Store stands on, for the contract suites of object-storage. The package does not contain this folder. */
export async function s3Backend(given: S3StoreOptions): Promise<Backend> {
  const options = resolveOptions(given);
  const { bucket, client, clientConfig = {}, requestTimeout } = options;
  const calls = new Calls(
    bucket,
    client ?? makeClient(clientConfig, requestTimeout),
    requestTimeout,
    () => ({}),
  );
  return openService(calls, options, undefined);
}
