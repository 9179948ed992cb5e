import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import type { ByteRange, FileInfo } from '@nestjs-tus/core';
import type { Calls, Content } from './calls.js';
import { ObjectBody } from './object-body.js';
import { ATTEMPT } from './object-headers.js';
import { hasName, isMissing } from './storage-error.js';

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

/** The objects of one bucket. Its calls reject with the client's errors. */
export class Bucket {
  constructor(private readonly calls: Calls) {}

  get name(): string {
    return this.calls.bucket;
  }

  /** @returns the ETag as the service writes it */
  async put(
    key: string,
    content: Content | string,
    condition: Pick<PutObjectCommandInput, 'IfMatch' | 'IfNoneMatch' | 'ContentType'> = {},
    signal?: AbortSignal,
  ): Promise<string> {
    if (typeof content === 'string') return this.put(key, Buffer.from(content), condition, signal);
    const { ETag = '' } = await this.calls.withBody(content, signal, (Body, ContentLength, options) =>
      this.calls.client.send(
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
    const headers = this.calls.objectHeaders(info, attempt);
    await this.calls.withBody(content, signal, (Body, ContentLength, options) =>
      this.calls.client.send(
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
      const { Body, ETag = '' } = await this.calls.client.send(
        new GetObjectCommand({ Bucket: this.name, Key: key, IfNoneMatch: knownEtag }),
        this.calls.options(),
      );
      return { text: (await Body?.transformToString()) ?? '', etag: ETag };
    } catch (error) {
      if (knownEtag !== undefined && isNotModified(error)) return 'not-modified';
      throw error;
    }
  }

  /** A range of an object's content. Rejects before the first byte when there is no such object. */
  async open(key: string, range: ByteRange): Promise<ObjectBody> {
    const { Body } = await this.calls.client.send(
      new GetObjectCommand({
        Bucket: this.name,
        Key: key,
        Range: `bytes=${range.start}-${range.end}`,
      }),
      this.calls.options(),
    );
    if (!(Body instanceof Readable))
      throw new TypeError('S3Store needs a client whose bodies are Node streams');
    return new ObjectBody(Body, range.end - range.start + 1, this.calls.requestTimeout);
  }

  async exists(key: string): Promise<boolean> {
    return (await this.head(key)) !== undefined;
  }

  /** Size in bytes of an object, and the attempt that made it; undefined when there is none. */
  async head(key: string): Promise<{ size: number; attempt?: string } | undefined> {
    try {
      const { ContentLength = 0, Metadata } = await this.calls.client.send(
        new HeadObjectCommand({ Bucket: this.name, Key: key }),
        this.calls.options(),
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
      await this.calls.client.send(
        new DeleteObjectCommand({ Bucket: this.name, Key: key }),
        this.calls.options(),
      );
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
    const page = await this.calls.client.send(
      new ListObjectsV2Command({
        Bucket: this.name,
        Prefix: prefix,
        Delimiter: '/',
        StartAfter: token === undefined ? after : undefined,
        ContinuationToken: token,
        MaxKeys: limit,
      }),
      this.calls.options(),
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
}

function isNotModified(error: unknown): boolean {
  return (
    error instanceof Error &&
    '$metadata' in error &&
    (error.$metadata as { httpStatusCode?: number }).httpStatusCode === 304
  );
}
