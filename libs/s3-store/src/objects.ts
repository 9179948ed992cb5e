import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { ByteRange, FileInfo } from '@nestjs-tus/core';
import {
  type Content,
  type HeadOfObject,
  type ListedKeys,
  type ListPosition,
  Missing,
  ObjectBody,
  type Objects,
  type PutOptions,
  type Version,
} from '@nestjs-tus/object-storage';
import type { ConditionalWrites } from './options.js';
import type { Calls } from './service/calls.js';
import type { DownloadUrls } from './service/download-urls.js';
import { S3_MAX_KEY } from './service/limits.js';
import { ATTEMPT } from './service/object-headers.js';
import { answered, hasName, problemOf } from './service/problems.js';

/** The objects of one bucket. A version is an ETag, as the service writes it. */
export class S3Objects implements Objects {
  readonly limits = { maxKey: S3_MAX_KEY };
  readonly location: { readonly type: string; readonly bucket: string };
  readonly conditions: Objects['conditions'];
  readonly url: Objects['url'];

  constructor(
    private readonly calls: Calls,
    private readonly conditionalWrites: ConditionalWrites,
    urls?: DownloadUrls,
  ) {
    this.location = { type: 's3store', bucket: calls.bucket };
    this.conditions = conditionalWrites === 'generations' ? 'absence' : 'version';
    this.url = urls && ((key, served) => urls.urlOf(key, served));
  }

  checkUpload(info: FileInfo): void {
    this.calls.headersOf(info);
  }

  async put(key: string, content: Content | string, options: PutOptions = {}): Promise<Version> {
    const { unless, ifVersion, owner, contentType, signal } = options;
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    const input = {
      Bucket: this.calls.bucket,
      Key: key,
      ...(owner ? this.calls.objectHeaders(owner) : { ContentType: contentType }),
      IfNoneMatch: unless && '*',
      IfMatch: ifVersion && this.conditionOf(ifVersion),
    };
    const { ETag = '' } = await answered(
      this.calls.withBody(bytes, signal, (Body, ContentLength, callOptions) =>
        this.calls.client.send(new PutObjectCommand({ ...input, Body, ContentLength }), callOptions),
      ),
    );
    return ETag;
  }

  async read(key: string, known?: Version): Promise<{ text: string; version: Version } | 'unchanged'> {
    try {
      const { Body, ETag = '' } = await this.calls.client.send(
        new GetObjectCommand({ Bucket: this.calls.bucket, Key: key, IfNoneMatch: known }),
        this.calls.options(),
      );
      return { text: (await Body?.transformToString()) ?? '', version: ETag };
    } catch (error) {
      if (known !== undefined && isNotModified(error)) return 'unchanged';
      throw problemOf(error);
    }
  }

  async open(key: string, range: ByteRange): Promise<AsyncIterableIterator<Uint8Array, void>> {
    const { Body } = await answered(
      this.calls.client.send(
        new GetObjectCommand({
          Bucket: this.calls.bucket,
          Key: key,
          Range: `bytes=${range.start}-${range.end}`,
        }),
        this.calls.options(),
      ),
    );
    if (!(Body instanceof Readable))
      throw new TypeError('S3Store needs a client whose bodies are Node streams');
    const size = range.end - range.start + 1;
    return new ObjectBody(Body, { size, timeout: this.calls.requestTimeout, problemOf });
  }

  async head(key: string): Promise<HeadOfObject | undefined> {
    try {
      const { ContentLength = 0, Metadata } = await this.calls.client.send(
        new HeadObjectCommand({ Bucket: this.calls.bucket, Key: key }),
        this.calls.options(),
      );
      return { size: ContentLength, attempt: Metadata?.[ATTEMPT] };
    } catch (error) {
      // The answer to HEAD has no body that could say whose 404 it is.
      if (hasName(error, 'NotFound')) return undefined;
      throw problemOf(error);
    }
  }

  async remove(key: string): Promise<void> {
    try {
      await answered(
        this.calls.client.send(
          new DeleteObjectCommand({ Bucket: this.calls.bucket, Key: key }),
          this.calls.options(),
        ),
      );
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
    }
  }

  async list(prefix: string, { after, token }: ListPosition, limit?: number): Promise<ListedKeys> {
    const page = await answered(
      this.calls.client.send(
        new ListObjectsV2Command({
          Bucket: this.calls.bucket,
          Prefix: prefix,
          Delimiter: '/',
          StartAfter: token === undefined ? after : undefined,
          ContinuationToken: token,
          MaxKeys: limit,
        }),
        this.calls.options(),
      ),
    );
    const keys = (page.Contents ?? []).map(({ Key = '', ETag = '' }) => ({ key: Key, version: ETag }));
    if (!page.IsTruncated) return { keys };
    return { keys, next: { token: page.NextContinuationToken, after: keys.at(-1)?.key ?? after } };
  }

  /** Some gateways compare the ETag with the header as it is, quotes and all, and want it without. */
  private conditionOf(version: Version): string {
    return this.conditionalWrites === 'if-match-bare' ? version.replaceAll('"', '') : version;
  }
}

function isNotModified(error: unknown): boolean {
  return (
    error instanceof Error &&
    '$metadata' in error &&
    (error.$metadata as { httpStatusCode?: number }).httpStatusCode === 304
  );
}
