import { setMaxListeners } from 'node:events';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { ByteRange, FileInfo } from '@nestjs-tus/core';
import { ATTEMPT, headerInput, type ObjectHeaders } from './object-headers.js';
import { hasName, isMissing, isTransient } from './storage-error.js';
import { ObjectBody } from './object-body.js';
import type { StoredPart } from './upload-record.js';

/** Bytes a second that a call with a body is given time for, beyond `requestTimeout`. */
const SLOWEST_LINK = 1024 * 1024;
/** How often a body is sent that is read anew each time; those in memory are the client's to try again. */
const STREAM_ATTEMPTS = 3;

/** Bytes to send: in memory, or made anew for each attempt. */
export type Content = Buffer | { readonly size: number; open(): AsyncIterable<Uint8Array> };

export interface ListedKey {
  readonly key: string;
  readonly etag: string;
}

/** Where a list goes on: what a page before has said, or after a key. */
export interface ListPosition {
  readonly token?: string;
  /** The last key that was listed. */
  readonly after?: string;
}

interface CallOptions {
  readonly abortSignal?: AbortSignal;
  /** Milliseconds until the answer begins. */
  readonly requestTimeout: number;
}

/** The calls to one bucket. They reject with the client's errors. */
export class Bucket {
  constructor(
    readonly name: string,
    private readonly client: S3Client,
    private readonly requestTimeout: number,
    readonly headersOf: (info: FileInfo) => ObjectHeaders,
  ) {}

  /** @returns the ETag as the service writes it */
  async put(
    key: string,
    content: Content | string,
    condition: Pick<PutObjectCommandInput, 'IfMatch' | 'IfNoneMatch' | 'ContentType'> = {},
    signal?: AbortSignal,
  ): Promise<string> {
    if (typeof content === 'string') return this.put(key, Buffer.from(content), condition, signal);
    const { ETag = '' } = await this.sending(content, signal, (Body, ContentLength, options) =>
      this.client.send(
        new PutObjectCommand({ Bucket: this.name, Key: key, Body, ContentLength, ...condition }),
        options,
      ),
    );
    return ETag;
  }

  /** Makes the whole object of an upload in one call, if there is none: rejects with PreconditionFailed otherwise. */
  async putWhole(
    key: string,
    content: Content,
    info: FileInfo,
    attempt: string,
    signal?: AbortSignal,
  ): Promise<void> {
    const headers = headerInput(this.headersOf(info), info, attempt);
    await this.sending(content, signal, (Body, ContentLength, options) =>
      this.client.send(
        new PutObjectCommand({
          Bucket: this.name,
          Key: key,
          Body,
          ContentLength,
          ...headers,
          IfNoneMatch: '*',
        }),
        options,
      ),
    );
  }

  async readText(key: string, knownEtag?: string): Promise<{ text: string; etag: string } | 'not-modified'> {
    try {
      const { Body, ETag = '' } = await this.client.send(
        new GetObjectCommand({ Bucket: this.name, Key: key, IfNoneMatch: knownEtag }),
        this.options(),
      );
      return { text: (await Body?.transformToString()) ?? '', etag: ETag };
    } catch (error) {
      if (knownEtag !== undefined && isNotModified(error)) return 'not-modified';
      throw error;
    }
  }

  /** A range of an object's content. Rejects before the first byte when there is no such object. */
  async open(key: string, range: ByteRange): Promise<ObjectBody> {
    const { Body } = await this.client.send(
      new GetObjectCommand({
        Bucket: this.name,
        Key: key,
        Range: `bytes=${range.start}-${range.end}`,
      }),
      this.options(),
    );
    if (!(Body instanceof Readable))
      throw new TypeError('S3Store needs a client whose bodies are Node streams');
    return new ObjectBody(Body, range.end - range.start + 1, this.requestTimeout);
  }

  async exists(key: string): Promise<boolean> {
    return (await this.head(key)) !== undefined;
  }

  /** Size in bytes of an object, and the attempt that made it; undefined when there is none. */
  async head(key: string): Promise<{ size: number; attempt?: string } | undefined> {
    try {
      const { ContentLength = 0, Metadata } = await this.client.send(
        new HeadObjectCommand({ Bucket: this.name, Key: key }),
        this.options(),
      );
      return { size: ContentLength, attempt: Metadata?.[ATTEMPT] };
    } catch (error) {
      // The answer to HEAD has no body that could tell whose 404 it is.
      if (hasName(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  /** Removes an object; content when it is gone already. */
  async remove(key: string): Promise<void> {
    try {
      await this.client.send(new DeleteObjectCommand({ Bucket: this.name, Key: key }), this.options());
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  /** Some keys that begin with `prefix`, without those behind a further slash, in order; perhaps none. `next` is absent at the end. */
  async list(
    prefix: string,
    { after, token }: ListPosition = {},
    limit?: number,
  ): Promise<{ keys: ListedKey[]; next?: ListPosition }> {
    const page = await this.client.send(
      new ListObjectsV2Command({
        Bucket: this.name,
        Prefix: prefix,
        Delimiter: '/',
        StartAfter: token === undefined ? after : undefined,
        ContinuationToken: token,
        MaxKeys: limit,
      }),
      this.options(),
    );
    const keys = (page.Contents ?? []).map(({ Key = '', ETag = '' }) => ({ key: Key, etag: ETag }));
    if (!page.IsTruncated) return { keys };
    return { keys, next: { token: page.NextContinuationToken, after: keys.at(-1)?.key ?? after } };
  }

  /** True when there is an object with this key. */
  async lists(key: string): Promise<boolean> {
    const { keys } = await this.list(key, {}, 1);
    return keys[0]?.key === key;
  }

  /** Removes every object whose key begins with `prefix`, comes after `after`, and has no further slash. */
  async removeAll(prefix: string, after?: string): Promise<void> {
    for (let from: ListPosition | undefined = { after }; from;) {
      const page: Awaited<ReturnType<Bucket['list']>> = await this.list(prefix, from);
      await Promise.all(page.keys.map(({ key }) => this.remove(key)));
      from = page.next;
    }
  }

  /** @returns the id of a new multipart upload */
  async createMultipart(key: string, info: FileInfo, attempt: string, signal?: AbortSignal): Promise<string> {
    const { UploadId } = await this.client.send(
      new CreateMultipartUploadCommand({
        Bucket: this.name,
        Key: key,
        ...headerInput(this.headersOf(info), info, attempt),
      }),
      this.options(signal),
    );
    if (UploadId === undefined) throw new Error('the service gave no id for a multipart upload');
    return UploadId;
  }

  /** @returns the part's ETag without quotes */
  async uploadPart(
    key: string,
    uploadId: string,
    number: number,
    content: Content,
    signal?: AbortSignal,
  ): Promise<string> {
    const { ETag } = await this.sending(content, signal, (Body, ContentLength, options) =>
      this.client.send(
        new UploadPartCommand({
          Bucket: this.name,
          Key: key,
          UploadId: uploadId,
          PartNumber: number,
          Body,
          ContentLength,
        }),
        options,
      ),
    );
    return bare(ETag);
  }

  /** Makes a part of an object that is in the bucket. @returns the part's ETag without quotes */
  async copyPart(
    key: string,
    uploadId: string,
    number: number,
    source: { key: string; range: ByteRange },
    signal?: AbortSignal,
  ): Promise<string> {
    const { range } = source;
    const { CopyPartResult } = await this.client.send(
      new UploadPartCopyCommand({
        Bucket: this.name,
        Key: key,
        UploadId: uploadId,
        PartNumber: number,
        // The header's value is a path: an unencoded `+` or umlaut names another object.
        CopySource: [this.name, ...source.key.split('/')].map(encodeURIComponent).join('/'),
        CopySourceRange: `bytes=${range.start}-${range.end}`,
      }),
      this.options(signal, range.end - range.start + 1),
    );
    return bare(CopyPartResult?.ETag);
  }

  /** Every part of a multipart upload that the service has, whether it counts or not. */
  async listParts(key: string, uploadId: string): Promise<StoredPart[]> {
    const parts: StoredPart[] = [];
    let marker: string | undefined;
    do {
      const page = await this.client.send(
        new ListPartsCommand({ Bucket: this.name, Key: key, UploadId: uploadId, PartNumberMarker: marker }),
        this.options(),
      );
      for (const { PartNumber = 0, Size = 0, ETag } of page.Parts ?? []) {
        parts.push({ number: PartNumber, size: Size, etag: bare(ETag) });
      }
      marker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
    } while (marker !== undefined);
    return parts;
  }

  /** True when the service says that there is no such multipart upload (any more). Ceph's gateway may say NoSuchKey. */
  async isMultipartGone(key: string, uploadId: string): Promise<boolean> {
    try {
      await this.client.send(
        new ListPartsCommand({ Bucket: this.name, Key: key, UploadId: uploadId, MaxParts: 1 }),
        this.options(),
      );
      return false;
    } catch (error) {
      if (hasName(error, 'NoSuchUpload', 'NoSuchKey')) return true;
      throw error;
    }
  }

  async completeMultipart(
    key: string,
    uploadId: string,
    parts: readonly StoredPart[],
    condition: Pick<PutObjectCommandInput, 'IfNoneMatch'>,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.client.send(
      new CompleteMultipartUploadCommand({
        Bucket: this.name,
        Key: key,
        UploadId: uploadId,
        ...condition,
        MultipartUpload: {
          Parts: parts.map(({ number, etag }) => ({ PartNumber: number, ETag: `"${etag}"` })),
        },
      }),
      this.options(signal),
    );
  }

  /** Content when it is gone already. */
  async abortMultipart(key: string, uploadId: string): Promise<void> {
    try {
      await this.client.send(
        new AbortMultipartUploadCommand({ Bucket: this.name, Key: key, UploadId: uploadId }),
        this.options(),
      );
    } catch (error) {
      if (!hasName(error, 'NoSuchUpload', 'NoSuchKey')) throw error;
    }
  }

  /** A stream cannot be sent twice, so that the client gives up at once: the next attempt reads the bytes anew. */
  private async sending<T>(
    content: Content,
    signal: AbortSignal | undefined,
    send: (body: Buffer | Readable, size: number, options: CallOptions) => Promise<T>,
  ): Promise<T> {
    if (Buffer.isBuffer(content)) return send(content, content.length, this.options(signal, content.length));
    for (let attempt = 1; ; attempt += 1) {
      const body = Readable.from(content.open(), { objectMode: false });
      // The service waits for bytes that cannot come; and what could not be read is why the call failed, whatever the call says.
      const broken = new AbortController();
      body.on('error', (error) => broken.abort(error));
      const either = signal ? AbortSignal.any([signal, broken.signal]) : broken.signal;
      try {
        return await send(body, content.size, this.options(either, content.size));
      } catch (error) {
        const cause: unknown = broken.signal.aborted && !signal?.aborted ? broken.signal.reason : error;
        if (attempt === STREAM_ATTEMPTS || !isTransient(cause) || signal?.aborted) throw cause;
      } finally {
        body.destroy();
      }
    }
  }

  private options(signal?: AbortSignal, bytes = 0): CallOptions {
    const requestTimeout = this.requestTimeout + Math.ceil((bytes / SLOWEST_LINK) * 1_000);
    if (!signal) return { requestTimeout };
    // Each call listens for the loss of the lock, and there may be more of them at a time than Node takes for a leak.
    setMaxListeners(0, signal);
    return { abortSignal: signal, requestTimeout };
  }
}

function bare(etag = ''): string {
  return etag.replaceAll('"', '');
}

function isNotModified(error: unknown): boolean {
  return (
    error instanceof Error &&
    '$metadata' in error &&
    (error.$metadata as { httpStatusCode?: number }).httpStatusCode === 304
  );
}
