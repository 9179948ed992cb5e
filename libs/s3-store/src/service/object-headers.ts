import type { CreateMultipartUploadCommandInput } from '@aws-sdk/client-s3';
import type { FileInfo } from '@nestjs-tus/core';

/** Headers of an upload's object. Absent: what the service does by itself, the content type excepted. */
export interface ObjectHeaders {
  /** Default: `filetype`, `contentType` or `type` of the upload's metadata, if it is a media type. */
  readonly contentType?: string;
  /** `attachment` and `inline` name the file as the metadata's `filename` or `name` does; any other value goes out as it is. */
  readonly contentDisposition?: string;
  readonly contentEncoding?: string;
  readonly contentLanguage?: string;
  readonly cacheControl?: string;
  /** e.g. `STANDARD_IA`. */
  readonly storageClass?: string;
  /** e.g. `AES256`, `aws:kms`. */
  readonly serverSideEncryption?: string;
  readonly sseKmsKeyId?: string;
  /** Up to 10. */
  readonly tags?: Readonly<Record<string, string>>;
  /** User metadata: names of `a-z 0-9 . _ -`. Values beyond printable ASCII are percent-encoded; 1,800 bytes in all. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export type HeaderInput = Pick<
  CreateMultipartUploadCommandInput,
  | 'ContentType'
  | 'ContentDisposition'
  | 'ContentEncoding'
  | 'ContentLanguage'
  | 'CacheControl'
  | 'StorageClass'
  | 'ServerSideEncryption'
  | 'SSEKMSKeyId'
  | 'Tagging'
  | 'Metadata'
>;

/** The user metadata that says which attempt made an object. */
export const ATTEMPT = 'tus-attempt';

/** RFC 9110 §8.3.1, without what could end the header. */
export const MEDIA_TYPE =
  /^(?=.{1,255}$)[\w!#$&^.+-]+\/[\w!#$&^.+-]+( *; *[\w!#$&^.+-]+=("[\w !#$&^.+'/:=,-]*"|[\w!#$&^.+-]+))*$/;
/** Bytes of user metadata, keys and values together: S3 takes 2 KiB, and `ATTEMPT` is in it. */
export const MAX_METADATA = 1_800;
/** Bytes of a file name in UTF-8 that goes into a header: what file systems take. S3 takes 8 KiB of headers in all. */
const MAX_FILE_NAME = 255;

/** What PutObject and CreateMultipartUpload say of the object. `attempt` names who made it. */
export function headerInput(headers: ObjectHeaders, info: FileInfo, attempt: string): HeaderInput {
  const { metaData } = info;
  const type = headers.contentType ?? metaData['filetype'] ?? metaData['contentType'] ?? metaData['type'];
  return {
    ContentType: type !== undefined && MEDIA_TYPE.test(type) ? type : undefined,
    ContentDisposition: disposition(headers.contentDisposition, metaData['filename'] ?? metaData['name']),
    ContentEncoding: headers.contentEncoding,
    ContentLanguage: headers.contentLanguage,
    CacheControl: headers.cacheControl,
    StorageClass: headers.storageClass as HeaderInput['StorageClass'],
    ServerSideEncryption: headers.serverSideEncryption as HeaderInput['ServerSideEncryption'],
    SSEKMSKeyId: headers.sseKmsKeyId,
    // Not every service reads a plus sign as a space.
    Tagging: headers.tags && new URLSearchParams(headers.tags).toString().replaceAll('+', '%20'),
    Metadata: { ...userMetadata(headers.metadata ?? {}), [ATTEMPT]: attempt },
  };
}

/** Bytes that user metadata has as headers. */
export function metadataSize(metadata: Readonly<Record<string, string>>): number {
  return Object.entries(metadata).reduce(
    (sum, [key, value]) => sum + key.length + printable(value).length,
    0,
  );
}

function userMetadata(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, printable(value)]));
}

/** A header carries printable ASCII; a percent sign is encoded too, so that the value can be decoded. */
function printable(value: string): string {
  return /^[\x20-\x7e]*$/.test(value) && !value.includes('%')
    ? value
    : encodeURIComponent(value.toWellFormed());
}

/** RFC 6266 with the file's name as RFC 8187 writes it: nothing in a name can leave the header. */
function disposition(wanted: string | undefined, name: string | undefined): string | undefined {
  if (wanted !== 'attachment' && wanted !== 'inline') return wanted;
  if (!name) return wanted;
  const encoded = encodeURIComponent(shortened(name.toWellFormed())).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${wanted}; filename*=UTF-8''${encoded}`;
}

/** A name that is too long loses the end of what is before its extension. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= MAX_FILE_NAME) return name;
  const extension = /\.[A-Za-z0-9]{1,16}$/.exec(name)?.[0] ?? '';
  let kept = '';
  for (const character of name.slice(0, name.length - extension.length)) {
    if (Buffer.byteLength(kept + character + extension) > MAX_FILE_NAME) break;
    kept += character;
  }
  return kept + extension;
}
