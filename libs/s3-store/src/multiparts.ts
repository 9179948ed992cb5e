import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  type PutObjectCommandInput,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { ByteRange } from '@nestjs-tus/core';
import type { Calls, Content } from './calls.js';
import { newAttempt } from './own-object.js';
import { hasName } from './storage-error.js';
import type { Multipart, StoredPart, UploadRecord } from './upload-record.js';

/** The multipart uploads of one bucket. Its calls reject with the client's errors. */
export class Multiparts {
  constructor(private readonly calls: Calls) {}

  /** Begins a multipart upload for an upload's object. */
  async begin({ key, info }: UploadRecord, signal?: AbortSignal): Promise<Multipart> {
    const attempt = newAttempt(info.id);
    const { UploadId } = await this.calls.client.send(
      new CreateMultipartUploadCommand({
        Bucket: this.calls.bucket,
        Key: key,
        ...this.calls.objectHeaders(info, attempt),
      }),
      this.calls.options(signal),
    );
    if (UploadId === undefined) throw new Error('the service gave no id for a multipart upload');
    return { id: UploadId, attempt };
  }

  /** @returns the part's ETag without quotes */
  async uploadPart(
    key: string,
    uploadId: string,
    number: number,
    content: Content,
    signal?: AbortSignal,
  ): Promise<string> {
    const { ETag } = await this.calls.withBody(content, signal, (Body, ContentLength, options) =>
      this.calls.client.send(
        new UploadPartCommand({
          Bucket: this.calls.bucket,
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
    const { CopyPartResult } = await this.calls.client.send(
      new UploadPartCopyCommand({
        Bucket: this.calls.bucket,
        Key: key,
        UploadId: uploadId,
        PartNumber: number,
        // The header's value is a path: an unencoded `+` or umlaut names another object.
        CopySource: [this.calls.bucket, ...source.key.split('/')].map(encodeURIComponent).join('/'),
        CopySourceRange: `bytes=${range.start}-${range.end}`,
      }),
      this.calls.options(signal, range.end - range.start + 1),
    );
    return bare(CopyPartResult?.ETag);
  }

  /** Every part of a multipart upload that the service has, whether it counts or not. */
  async list(key: string, uploadId: string): Promise<StoredPart[]> {
    const parts: StoredPart[] = [];
    let marker: string | undefined;
    do {
      const page = await this.calls.client.send(
        new ListPartsCommand({
          Bucket: this.calls.bucket,
          Key: key,
          UploadId: uploadId,
          PartNumberMarker: marker,
        }),
        this.calls.options(),
      );
      for (const { PartNumber = 0, Size = 0, ETag } of page.Parts ?? []) {
        parts.push({ number: PartNumber, size: Size, etag: bare(ETag) });
      }
      marker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
    } while (marker !== undefined);
    return parts;
  }

  /** True when the service says that there is no such multipart upload (any more). Ceph's gateway may say NoSuchKey. */
  async isGone(key: string, uploadId: string): Promise<boolean> {
    try {
      await this.calls.client.send(
        new ListPartsCommand({ Bucket: this.calls.bucket, Key: key, UploadId: uploadId, MaxParts: 1 }),
        this.calls.options(),
      );
      return false;
    } catch (error) {
      if (hasName(error, 'NoSuchUpload', 'NoSuchKey')) return true;
      throw error;
    }
  }

  async complete(
    key: string,
    uploadId: string,
    parts: readonly StoredPart[],
    condition: Pick<PutObjectCommandInput, 'IfNoneMatch'>,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.calls.client.send(
      new CompleteMultipartUploadCommand({
        Bucket: this.calls.bucket,
        Key: key,
        UploadId: uploadId,
        ...condition,
        MultipartUpload: {
          Parts: parts.map(({ number, etag }) => ({ PartNumber: number, ETag: `"${etag}"` })),
        },
      }),
      this.calls.options(signal),
    );
  }

  /** Content when it is gone already. */
  async abort(key: string, uploadId: string): Promise<void> {
    try {
      await this.calls.client.send(
        new AbortMultipartUploadCommand({ Bucket: this.calls.bucket, Key: key, UploadId: uploadId }),
        this.calls.options(),
      );
    } catch (error) {
      if (!hasName(error, 'NoSuchUpload', 'NoSuchKey')) throw error;
    }
  }
}

function bare(etag = ''): string {
  return etag.replaceAll('"', '');
}
