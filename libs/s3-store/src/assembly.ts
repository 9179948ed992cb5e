import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import {
  type Assembly,
  type AssemblyRules,
  type Content,
  Missing,
  type ObjectRange,
  type Owner,
  type Part,
  PiecesRefused,
  SessionGone,
  type Target,
} from '@nestjs-tus/object-storage';
import type { Calls } from './service/calls.js';
import { answered, causeOf, hasName } from './service/problems.js';

/**
 * Multipart uploads in one bucket. A session is the id of one, a piece the ETag of a part, without quotes. Which parts count is checked when they are
 * completed: AWS drops the others, Ceph's gateway refuses.
 */
export class S3Assembly implements Assembly<string, string> {
  readonly names = 'windowed';

  constructor(
    private readonly calls: Calls,
    readonly rules: AssemblyRules,
  ) {}

  async begin(key: string, owner: Owner, signal?: AbortSignal): Promise<string> {
    const { UploadId } = await answered(
      this.calls.client.send(
        new CreateMultipartUploadCommand({
          Bucket: this.calls.bucket,
          Key: key,
          ...this.calls.objectHeaders(owner),
        }),
        this.calls.options(signal),
      ),
    );
    if (UploadId === undefined) throw new Error('the service gave no id for a multipart upload');
    return UploadId;
  }

  async store(
    target: Target<string>,
    number: number,
    content: Content,
    signal?: AbortSignal,
  ): Promise<string> {
    const input = { ...this.inputOf(target), PartNumber: number };
    try {
      const { ETag } = await answered(
        this.calls.withBody(content, signal, (Body, ContentLength, options) =>
          this.calls.client.send(new UploadPartCommand({ ...input, Body, ContentLength }), options),
        ),
      );
      return bare(ETag);
    } catch (error) {
      if (!hasName(error, 'NoSuchUpload') && !(error instanceof Missing)) throw error;
      if (await this.isGone(target)) throw new SessionGone(causeOf(error));
      throw error;
    }
  }

  async copy(
    target: Target<string>,
    number: number,
    { key, range }: ObjectRange,
    signal?: AbortSignal,
  ): Promise<string> {
    const { CopyPartResult } = await answered(
      this.calls.client.send(
        new UploadPartCopyCommand({
          ...this.inputOf(target),
          PartNumber: number,
          // The header's value is a path: an unencoded `+` or umlaut names another object.
          CopySource: [this.calls.bucket, ...key.split('/')].map(encodeURIComponent).join('/'),
          CopySourceRange: `bytes=${range.start}-${range.end}`,
        }),
        this.calls.options(signal, range.end - range.start + 1),
      ),
    );
    return bare(CopyPartResult?.ETag);
  }

  async complete(
    target: Target<string>,
    parts: readonly Part<string>[],
    { unless, signal }: { readonly unless?: 'exists'; readonly signal?: AbortSignal },
  ): Promise<void> {
    const command = new CompleteMultipartUploadCommand({
      ...this.inputOf(target),
      IfNoneMatch: unless && '*',
      MultipartUpload: {
        Parts: parts.map(({ number, piece }) => ({ PartNumber: number, ETag: `"${piece}"` })),
      },
    });
    try {
      await answered(this.calls.client.send(command, this.calls.options(signal)));
    } catch (error) {
      if (signal?.aborted) throw error;
      if (hasName(error, 'InvalidPart')) throw new PiecesRefused(causeOf(error));
      // Ceph's gateway answers 500 when there is no such multipart upload: another call says so for certain.
      if (await this.isGone(target)) throw new SessionGone(causeOf(error));
      throw error;
    }
  }

  async discard(target: Target<string>): Promise<void> {
    try {
      await answered(
        this.calls.client.send(new AbortMultipartUploadCommand(this.inputOf(target)), this.calls.options()),
      );
    } catch (error) {
      if (!hasName(error, ...GONE)) throw error;
    }
  }

  async list(target: Target<string>): Promise<Part<string>[]> {
    const parts: Part<string>[] = [];
    let marker: string | undefined;
    do {
      const page = await answered(
        this.calls.client.send(
          new ListPartsCommand({ ...this.inputOf(target), PartNumberMarker: marker }),
          this.calls.options(),
        ),
      );
      for (const { PartNumber = 0, Size = 0, ETag } of page.Parts ?? []) {
        parts.push({ number: PartNumber, size: Size, piece: bare(ETag) });
      }
      marker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
    } while (marker !== undefined);
    return parts;
  }

  /** True when the service says that there is no such multipart upload (any more). */
  private async isGone(target: Target<string>): Promise<boolean> {
    try {
      await answered(
        this.calls.client.send(
          new ListPartsCommand({ ...this.inputOf(target), MaxParts: 1 }),
          this.calls.options(),
        ),
      );
      return false;
    } catch (error) {
      if (hasName(error, ...GONE)) return true;
      throw error;
    }
  }

  private inputOf({ key, session }: Target<string>): { Bucket: string; Key: string; UploadId: string } {
    return { Bucket: this.calls.bucket, Key: key, UploadId: session };
  }
}

/** What services answer of a multipart upload that is not there; Ceph's gateway may say NoSuchKey. */
const GONE = ['NoSuchUpload', 'NoSuchKey'];

function bare(etag = ''): string {
  return etag.replaceAll('"', '');
}
