import type { AnnouncedChecksum } from '../body/verification.js';
import type { ResolvedConfig } from '../resolve-config.js';
import { ErrMaxSizeExceeded, ErrSizeExceeded, errors, hasCode, type HttpError } from '../errors.js';
import type { Exchange } from '../exchange.js';
import { stateOf, type FileInfo } from '../file-info.js';
import { CHECKSUM_ALGORITHMS, readChecksum } from '../headers/checksum.js';
import { failIfTooManyPartials, type Concat } from '../headers/concat.js';
import { isFieldValue } from '../headers/field.js';
import { httpDateOf } from '../headers/http-date.js';
import { parseInteger } from '../headers/integer.js';
import { failIfTooMuchToKeep } from '../headers/kept-fields.js';
import { essenceOf } from '../headers/media-type.js';
import { readMetadata, serializeMetadataHeader } from '../headers/metadata.js';
import type {
  AppendRequest,
  CreateRequest,
  IncomingContent,
  OperationRequest,
  Outcome,
} from '../operations/operation.js';
import type { ResponseHead } from '../response.js';
import { isUploadId } from '../upload-id.js';
import type { Dialect } from './dialect.js';

const VERSION = '1.0.0';
const OFFSET_STREAM = 'application/offset+octet-stream';

/** Value of `Upload-Defer-Length` while an upload's length is not known. */
export const UPLOAD_LENGTH_DEFERRED = '1';

/** What the tus dialect must know of a handler. */
export interface TusV1Options {
  readonly config: ResolvedConfig;
  /** Value of Tus-Extension. */
  readonly extensions: string;
  readonly verifies: boolean;
}

/** tus 1.0.0, https://tus.io/protocols/resumable-upload */
export class TusV1Dialect implements Dialect {
  readonly protocol = 'tus';
  readonly creationMethods = ['POST'];

  constructor(private readonly options: TusV1Options) {}

  read(exchange: Exchange): OperationRequest {
    const { operation } = exchange;
    this.requireVersion(exchange);
    if (operation.name === 'create') return this.readCreate(exchange);
    const uploadId = operation.uploadId ?? '';
    if (!isUploadId(uploadId)) throw errors.notFound();
    if (operation.name === 'append') return this.readAppend(exchange, uploadId);
    if (operation.name === 'discover') throw errors.methodNotAllowed('OPTIONS');
    return { name: operation.name, protocol: 'tus', uploadId };
  }

  partialUploadIds(exchange: Exchange): readonly string[] | undefined {
    try {
      const concat = this.readConcat(exchange);
      return concat?.kind === 'final' ? concat.uploadIds : undefined;
    } catch {
      // `read` meets the same error, and refuses the request by it.
      return undefined;
    }
  }

  write(exchange: Exchange, outcome: Outcome): ResponseHead {
    switch (outcome.kind) {
      case 'created': {
        const headers = [
          ...this.common(),
          'Location',
          exchange.urlOf(outcome.info.id),
          ...expiry(outcome.info),
        ];
        if (outcome.received) headers.push('Upload-Offset', String(outcome.info.offset));
        return { status: 201, headers };
      }
      case 'appended':
        return {
          status: 204,
          headers: [...this.common(), 'Upload-Offset', String(outcome.info.offset), ...expiry(outcome.info)],
        };
      case 'status':
        return {
          status: 200,
          headers: [...this.common(), 'Cache-Control', 'no-store', ...statusHeaders(outcome.info, exchange)],
        };
      case 'terminated':
        return { status: 204, headers: this.common() };
      case 'download':
        return {
          status: outcome.status,
          headers: [...this.common(), ...outcome.headers],
          body: outcome.body,
        };
    }
  }

  refuse(exchange: Exchange, error: HttpError): ResponseHead {
    const headers = this.common();
    // tus 1.0.0: "the response MUST include the Tus-Version header" when the version is not supported.
    if (error.code === 'ERR_UNSUPPORTED_VERSION') headers.push('Tus-Version', VERSION);
    const isTooLarge = [ErrMaxSizeExceeded, ErrSizeExceeded].some((descriptor) => hasCode(error, descriptor));
    if (isTooLarge && this.options.config.maxSize > 0)
      headers.push('Tus-Max-Size', String(this.options.config.maxSize));
    if (exchange.method === 'HEAD') headers.push('Cache-Control', 'no-store');
    return { status: error.status, headers };
  }

  discover(): ResponseHead {
    const { config, extensions, verifies } = this.options;
    const headers = [...this.common(), 'Tus-Version', VERSION];
    if (extensions) headers.push('Tus-Extension', extensions);
    if (config.maxSize > 0) headers.push('Tus-Max-Size', String(config.maxSize));
    if (verifies) headers.push('Tus-Checksum-Algorithm', CHECKSUM_ALGORITHMS);
    // 200, since some browsers took a 204 to a preflight for a failure.
    return { status: 200, headers };
  }

  private common(): string[] {
    return ['Tus-Resumable', VERSION];
  }

  /** "If the version specified by the Client is not supported by the Server, it MUST respond with the 412 status." */
  private requireVersion({ method, req }: Exchange): void {
    // A browser that follows a link sends no such header; GET is not part of the protocol.
    if (method === 'GET') return;
    if (req.headers['tus-resumable'] !== VERSION) throw errors.unsupportedVersion();
  }

  private readConcat({ concat }: Exchange): Concat | undefined {
    if (concat?.kind === 'final') failIfTooManyPartials(concat.uploadIds, this.options.config.maxPartials);
    return concat;
  }

  private readCreate(exchange: Exchange): CreateRequest {
    const header = exchange.req.headers;
    const metaDataHeader = one(header['upload-metadata']);
    failIfTooMuchToKeep(header, 'tus', this.options.config.maxMetadataSize);
    const concatHeader = one(header['upload-concat']);
    const concat = this.readConcat(exchange);
    const length = concat?.kind === 'final' ? readFinalLength(exchange) : readCreationLength(exchange);
    const carriesContent = essenceOf(header['content-type'] ?? '') === OFFSET_STREAM;
    return {
      name: 'create',
      protocol: 'tus',
      length,
      metaData: readMetadata(metaDataHeader ?? ''),
      metaDataHeader: metaDataHeader || undefined,
      concat,
      concatHeader: concat && concatHeader,
      content: carriesContent ? this.readContent(exchange) : undefined,
    };
  }

  private readAppend(exchange: Exchange, uploadId: string): AppendRequest {
    const header = exchange.req.headers;
    if (essenceOf(header['content-type'] ?? '') !== OFFSET_STREAM) throw errors.invalidContentType();
    const offset = parseInteger(one(header['upload-offset']));
    if (offset === undefined) throw errors.invalidOffset();
    const lengthHeader = one(header['upload-length']);
    const declaredLength = parseInteger(lengthHeader);
    if (lengthHeader !== undefined && declaredLength === undefined) throw errors.invalidUploadLength();
    return {
      name: 'append',
      protocol: 'tus',
      uploadId,
      offset,
      declaredLength,
      content: this.readContent(exchange),
    };
  }

  private readContent(exchange: Exchange): IncomingContent {
    const header = exchange.req.headers;
    const chunked = header['transfer-encoding'] !== undefined;
    return {
      length: chunked ? undefined : (parseInteger(header['content-length']) ?? 0),
      checksum: this.options.verifies
        ? readAnnouncedChecksum(header['upload-checksum'], header['trailer'])
        : undefined,
    };
  }
}

/** Checklist CR2: Upload-Length, or `Upload-Defer-Length: 1`, and not both. */
function readCreationLength({ req }: Exchange): number | undefined {
  const length = one(req.headers['upload-length']);
  const defer = one(req.headers['upload-defer-length']);
  if (length !== undefined && defer !== undefined) throw errors.uploadLengthAndUploadDeferLength();
  if (defer !== undefined) {
    if (defer !== UPLOAD_LENGTH_DEFERRED) throw errors.invalidUploadDeferLength();
    return undefined;
  }
  const size = parseInteger(length);
  if (size === undefined) throw errors.invalidUploadLength();
  return size;
}

/** A final upload's length is that of its parts. A client that names one against the protocol must at least name the right one. */
function readFinalLength({ req }: Exchange): number | undefined {
  const length = one(req.headers['upload-length']);
  const size = parseInteger(length);
  if (length !== undefined && size === undefined) throw errors.invalidUploadLength();
  return size;
}

function readAnnouncedChecksum(
  value: string | string[] | undefined,
  trailer: string | undefined,
): AnnouncedChecksum | undefined {
  const checksum = one(value);
  const inTrailer =
    trailer
      ?.toLowerCase()
      .split(',')
      .some((name) => name.trim() === 'upload-checksum') ?? false;
  // Both would leave open which of them counts.
  if (checksum !== undefined && inTrailer) throw errors.invalidChecksum();
  if (checksum !== undefined) return { in: 'header', checksum: readChecksum(checksum) };
  return inTrailer ? { in: 'trailer' } : undefined;
}

function statusHeaders(info: FileInfo, exchange: Exchange): string[] {
  const headers: string[] = [];
  // Checklist CO9: a final upload has no Upload-Offset until its parts are joined.
  if (!info.isFinal || stateOf(info) === 'finished') headers.push('Upload-Offset', String(info.offset));
  if (!info.sizeIsDeferred) headers.push('Upload-Length', String(info.size));
  else if (!info.isFinal) headers.push('Upload-Defer-Length', UPLOAD_LENGTH_DEFERRED);
  const metaData = sendable(info.metaDataHeader) ?? serializeMetadataHeader(info.metaData ?? {});
  if (metaData !== '') headers.push('Upload-Metadata', metaData);
  const concat = sendable(info.concatHeader) ?? concatHeaderOf(info, exchange);
  if (concat) headers.push('Upload-Concat', concat);
  return [...headers, ...expiry(info)];
}

/** For uploads that another server began: it kept the ids, not the header. */
function concatHeaderOf(info: FileInfo, exchange: Exchange): string | undefined {
  if (info.isFinal) return `final;${info.partialUploads.map((id) => exchange.urlOf(id)).join(' ')}`;
  return info.isPartial ? 'partial' : undefined;
}

/** What was kept as it was received may be damaged since: then it is written anew. */
function sendable(field: string | undefined): string | undefined {
  return typeof field === 'string' && isFieldValue(field) ? field : undefined;
}

function expiry(info: FileInfo): string[] {
  const date = httpDateOf(info.expiresAt);
  return date !== undefined && stateOf(info) !== 'finished' ? ['Upload-Expires', date] : [];
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}
