import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

/** Milliseconds to reach the service. */
const CONNECT_TIMEOUT = 5_000;
/** A download holds its connection for as long as its client reads: the SDK's 50 would be used up by 50 slow ones. */
const MAX_SOCKETS = 1_024;

/** A client that works with every compatible service, and gives up a call that hangs. What `config` says wins. */
export function makeClient(config: S3ClientConfig, requestTimeout: number): S3Client {
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  return new S3Client({
    // The checksums of 2025 in a trailer are unknown to many services: a body that streams is refused, or stored with its framing.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // A host name for each bucket needs DNS that other services seldom have.
    forcePathStyle: config.endpoint !== undefined,
    // It would write to the console that a stream cannot be sent again: the store reads it anew.
    logger: { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing },
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT,
      requestTimeout,
      throwOnRequestTimeout: true,
      // It would cut a download whose client is slow.
      socketTimeout: 0,
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent(agent),
    },
    ...config,
  });
}

function nothing(): void {
  // What goes wrong is thrown as well.
}

/** Where a client sends its calls, for people. */
export async function endpointOf(client: S3Client): Promise<string> {
  const endpoint = await client.config.endpoint?.();
  if (!endpoint) return 'S3';
  return `${endpoint.protocol}//${endpoint.hostname}${endpoint.port ? `:${endpoint.port}` : ''}`;
}
