import { on } from '../harness/open-patch.js';
import {
  create,
  createUpload,
  download,
  head,
  OFFSET_STREAM,
  patch,
  type Reply,
  terminate,
} from '../harness/tus-requests.js';
import type { S3Call, S3Traffic } from './s3-traffic.js';

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

/** What is measured, in the order of the tables in docs/scaling.md. */
export const REQUESTS = [
  'POST',
  'POST with all of 100 KiB',
  'first PATCH, of 8 MiB',
  'PATCH of 8 MiB',
  'PATCH of 8 MiB, on another node',
  'PATCH of 64 MiB',
  'PATCH of 1 MiB',
  'PATCH of 7 MiB after it',
  'last PATCH, of 8 MiB',
  '5 PATCHes of 1 MiB',
  'HEAD',
  'HEAD, on another node',
  'GET of 112 MiB',
  'DELETE, after 8 MiB',
  'DELETE of a finished upload',
  'POST, and 1 GiB in 128 PATCHes',
] as const;

export type RequestName = (typeof REQUESTS)[number];

/** The answer to a request, and the S3 calls that it took. Of several requests: the answer to the last one. */
export interface Measured {
  readonly status: number;
  readonly calls: readonly S3Call[];
}

/** Of each request. */
export type Measurements = (name: RequestName) => Measured;

/** The collections of two nodes that share a bucket. */
export interface Nodes {
  readonly one: string;
  readonly other: string;
}

/** Sends an upload's next bytes by one PATCH, to the node that created it unless another is given. */
type SendNext = (bytes: number, node?: string) => Promise<Reply>;
type Measure = (name: RequestName, request: () => Promise<Reply>) => Promise<void>;

const METADATA = { 'Upload-Metadata': `filename ${Buffer.from('video.mp4').toString('base64')}` };

/** Sends every request, over HTTP, and notes what goes to S3 meanwhile. */
export async function measureRequests(nodes: Nodes, traffic: S3Traffic): Promise<Measurements> {
  const measured = new Map<RequestName, Measured>();
  const measure: Measure = async (name, request) => {
    await traffic.take();
    const { status } = await request();
    measured.set(name, { status, calls: await traffic.take() });
  };
  await oneLargeUpload(nodes, measure);
  await smallChunks(nodes, measure);
  await wholeUploads(nodes, measure);
  return (name) => {
    const found = measured.get(name);
    if (!found) throw new Error(`${name} was not measured`);
    return found;
  };
}

function sender(url: string): SendNext {
  let offset = 0;
  return async (bytes, node = url) => {
    const reply = await patch(on(node, url), offset, Buffer.alloc(bytes));
    if (reply.status !== 204) throw new Error(`PATCH answered ${reply.status} ${reply.text}`);
    offset += bytes;
    return reply;
  };
}

async function oneLargeUpload({ one, other }: Nodes, measure: Measure): Promise<void> {
  let url = '';
  await measure('POST', async () => {
    const reply = await create(one, { ...METADATA, 'Upload-Length': String(112 * MIB) });
    url = String(reply.headers.location);
    return reply;
  });
  const send = sender(url);
  await measure('first PATCH, of 8 MiB', () => send(8 * MIB));
  await measure('PATCH of 8 MiB', () => send(8 * MIB));
  await measure('HEAD', () => head(url));
  await measure('HEAD, on another node', () => head(on(other, url)));
  // The other node knows it now: what comes next takes it away again.
  await send(8 * MIB, one);
  await measure('PATCH of 8 MiB, on another node', () => send(8 * MIB, other));
  await head(url);
  await measure('PATCH of 64 MiB', () => send(64 * MIB));
  await measure('PATCH of 1 MiB', () => send(MIB));
  await measure('PATCH of 7 MiB after it', () => send(7 * MIB));
  await measure('last PATCH, of 8 MiB', () => send(8 * MIB));
  await measure('GET of 112 MiB', () => download(url));
  await head(url);
  await measure('DELETE of a finished upload', () => terminate(url));
}

async function smallChunks({ one }: Nodes, measure: Measure): Promise<void> {
  const url = await createUpload(one, 64 * MIB, METADATA);
  const send = sender(url);
  await send(8 * MIB);
  await measure('5 PATCHes of 1 MiB', async () => {
    for (let sent = 1; sent < 5; sent += 1) await send(MIB);
    return send(MIB);
  });
  const other = await createUpload(one, 64 * MIB, METADATA);
  await sender(other)(8 * MIB);
  await measure('DELETE, after 8 MiB', () => terminate(other));
}

async function wholeUploads({ one }: Nodes, measure: Measure): Promise<void> {
  const small = Buffer.alloc(100 * KIB);
  const headers = { ...METADATA, 'Upload-Length': String(small.length), 'Content-Type': OFFSET_STREAM };
  await measure('POST with all of 100 KiB', () => create(one, headers, small));
  await measure('POST, and 1 GiB in 128 PATCHes', async () => {
    const send = sender(await createUpload(one, GIB, METADATA));
    for (let sent = 1; sent < 128; sent += 1) await send(8 * MIB);
    return send(8 * MIB);
  });
}
