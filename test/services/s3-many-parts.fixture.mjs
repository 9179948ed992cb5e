// Stores an upload whose parts go up many at a time, under a lock that may be lost. Node says on stderr if it takes that for a leak.
import { Readable } from 'node:stream';
import { S3Store } from '@nestjs-tus/s3-store';

const PART = 5 * 1024 * 1024;
const size = 15 * PART;
const [bucket, endpoint] = process.argv.slice(2);
const clientConfig = { endpoint, forcePathStyle: true };
const store = new S3Store({ bucket, clientConfig, partSize: PART, concurrencyPerUpload: 15 });
const info = {
  id: 'many',
  size,
  sizeIsDeferred: false,
  offset: 0,
  metaData: {},
  isPartial: false,
  isFinal: false,
};
const context = { signal: new AbortController().signal };
const upload = await store.newUpload({ ...info, partialUploads: [] }, context);
const content = Readable.from(
  Array.from({ length: 15 }, () => Buffer.alloc(PART)),
  { objectMode: false },
);
if ((await upload.writeChunk(0, content, context)) !== size) throw new Error('not all of it was stored');
await store.close();
