import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { type ErrorDescriptor, hasCode } from '../errors.js';
import type { FileInfo } from '../file-info.js';
import type { ByteRange, DataStore, Upload } from '../store/data-store.js';

/** What the engine hands to `newUpload`. */
export function newInfo(fields: Partial<FileInfo> = {}): FileInfo {
  return {
    id: 'upload-1',
    size: 11,
    sizeIsDeferred: false,
    offset: 0,
    metaData: {},
    isPartial: false,
    isFinal: false,
    partialUploads: [],
    ...fields,
  };
}

export interface CreatedUpload {
  readonly id: string;
  readonly upload: Upload;
}

/** An upload with this content, which is all of it unless `fields` says another size. */
export async function created(
  store: DataStore,
  content: string,
  fields: Partial<FileInfo> = {},
): Promise<CreatedUpload> {
  const upload = await store.newUpload(newInfo({ size: content.length, ...fields }), {});
  const { id } = await upload.getInfo({});
  if (content !== '') assert.equal(await upload.writeChunk(0, sourceOf(content), {}), content.length);
  return { id, upload: await store.getUpload(id, {}) };
}

/** A source of these pieces. A function among them is called when the pieces before it have been taken. */
export function sourceOf(...pieces: readonly (string | Buffer | (() => void))[]): Readable {
  return Readable.from(
    (async function* () {
      for (const piece of pieces) {
        if (typeof piece === 'function') piece();
        else yield Buffer.from(piece);
      }
    })(),
    { objectMode: false },
  );
}

/** A source that fails after `content` was taken, as a connection does. */
export function breakingAfter(content: string): Readable {
  return sourceOf(content, () => {
    throw new Error('the connection was reset');
  });
}

export async function contentOf(
  upload: Upload,
  encoding: BufferEncoding = 'utf8',
  range?: ByteRange,
): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of await upload.getReader({}, range)) chunks.push(Buffer.from(chunk as Buffer));
  return Buffer.concat(chunks).toString(encoding);
}

export async function offsetAfterReopening(store: DataStore, id: string): Promise<number> {
  return (await (await store.getUpload(id, {})).getInfo({})).offset;
}

export async function refusedWith(descriptor: ErrorDescriptor, answer: Promise<unknown>): Promise<void> {
  await assert.rejects(answer, (error: unknown) => {
    assert.ok(hasCode(error, descriptor), `expected ${descriptor.code}, got ${String(error)}`);
    return true;
  });
}

/** Compares every field of an info but `storage`, which is the store's own. */
export function assertInfo(actual: FileInfo, expected: FileInfo): void {
  assert.deepEqual(present(actual), present(expected));
}

/** Absent and undefined are the same in an info. */
function present({ storage: _, ...info }: FileInfo): Record<string, unknown> {
  return Object.fromEntries(Object.entries(info).filter(([, value]) => value !== undefined));
}
