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
  readonly tags?: Readonly<Record<string, string>>;
  /** User metadata. Values beyond printable ASCII are percent-encoded; 2 KiB in all. */
  readonly metadata?: Readonly<Record<string, string>>;
}

type HeaderInput = Pick<
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
const MEDIA_TYPE =
  /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+( *; *[\w!#$&^.+-]+=("[\w !#$&^.+'/:=,-]*"|[\w!#$&^.+-]+))*$/;
/** Bytes of user metadata that S3 takes, keys and values together. */
const MAX_METADATA = 2_048;

/** What PutObject and CreateMultipartUpload are told of the object. `attempt` names who made it. */
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

function userMetadata(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const encoded = Object.entries(metadata).map(([key, value]) => [key, printable(value)] as const);
  const size = encoded.reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  if (size > MAX_METADATA)
    throw new RangeError(`the object's metadata has ${size} bytes; S3 takes ${MAX_METADATA}`);
  return Object.fromEntries(encoded);
}

/** A header carries printable ASCII; a percent sign is encoded too, so that the value can be decoded. */
function printable(value: string): string {
  return /^[\x20-\x7e]*$/.test(value) && !value.includes('%') ? value : encodeURIComponent(value);
}

/** RFC 6266 with the file's name as RFC 8187 writes it: nothing in a name can leave the header. */
function disposition(wanted: string | undefined, name: string | undefined): string | undefined {
  if (wanted !== 'attachment' && wanted !== 'inline') return wanted;
  if (!name) return wanted;
  const encoded = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${wanted}; filename*=UTF-8''${encoded}`;
}
