import type { AnnouncedChecksum } from '../body/verification.js';
import { errors, type HttpError } from '../errors.js';
import type { Exchange } from '../exchange.js';
import { stateOf, type FileInfo, type RepresentationDigests } from '../file-info.js';
import { readContentFields } from '../headers/content-fields.js';
import { readDigests } from '../headers/digest-fields.js';
import { parseInteger } from '../headers/integer.js';
import { failIfTooMuchToKeep } from '../headers/kept-fields.js';
import { essenceOf, PARTIAL_UPLOAD } from '../headers/media-type.js';
import { readMetadata } from '../headers/metadata.js';
import { readBoolean, readInteger, type FieldValue } from '../headers/structured-fields.js';
import type { DraftTerms } from '../operations/draft-terms.js';
import { COMPLETED_STATUS } from '../operations/kept-answer.js';
import type {
  AppendRequest,
  CreateRequest,
  IncomingContent,
  OperationRequest,
  Outcome,
} from '../operations/operation.js';
import type { ResolvedConfig } from '../resolve-config.js';
import type { ResponseHead } from '../response.js';
import { isUploadId } from '../upload-id.js';
import type { Dialect } from './dialect.js';
import type { IetfVersion } from './ietf-versions.js';
import { isCongested, sendInterim } from './interim-response.js';
import { draftRefusalOf, problemDocument } from './problem.js';
import { uploadLimit } from './upload-limit.js';

const UPLOAD_RESUMPTION_SUPPORTED = 104;
/** What is appended to uploads here, to those of tus included. */
const PATCH_TYPES = `${PARTIAL_UPLOAD}, application/offset+octet-stream`;

/** What the draft's dialects must know of a handler. */
export interface IetfOptions {
  readonly config: ResolvedConfig;
  /** True when a chunk can be taken back: then Content-Digest is verified. */
  readonly verifies: boolean;
}

/**
 * Resumable Uploads for HTTP, draft-ietf-httpbis-resumable-upload, in one of its interop versions. What differs between them is in
 * their table, `ietf-versions.ts`; here is no branch for a version.
 */
export class IetfDialect implements Dialect {
  readonly protocol = 'ietf';
  readonly creationMethods = ['POST', 'PUT'];

  constructor(
    private readonly version: IetfVersion,
    private readonly options: IetfOptions,
  ) {}

  read(exchange: Exchange): OperationRequest {
    const { operation } = exchange;
    if (operation.name === 'create') return this.readCreate(exchange);
    const uploadId = operation.uploadId ?? '';
    if (!isUploadId(uploadId)) throw errors.notFound();
    if (operation.name === 'append') return this.readAppend(exchange, uploadId);
    if (operation.name === 'discover') throw errors.methodNotAllowed('OPTIONS');
    if (operation.name !== 'download') this.failIfTellsState(exchange);
    const { completesAtLength } = this.version;
    return { name: operation.name, protocol: 'ietf', uploadId, completesAtLength };
  }

  write(exchange: Exchange, outcome: Outcome): ResponseHead {
    switch (outcome.kind) {
      case 'created':
        return { status: COMPLETED_STATUS, headers: this.receivedHeaders(exchange, outcome.info, true) };
      case 'appended': {
        const isComplete = stateOf(outcome.info) === 'finished';
        return {
          // "the same response that the target of the original request would have given"
          status: isComplete ? COMPLETED_STATUS : this.version.appendedStatus,
          headers: this.receivedHeaders(exchange, outcome.info, isComplete),
        };
      }
      case 'status':
        return { status: 204, headers: [...this.statusHeaders(outcome.info), 'Cache-Control', 'no-store'] };
      case 'terminated':
        return { status: 204, headers: this.common() };
      case 'download': {
        const headers = [...this.common(), ...this.completeness(true), ...outcome.headers];
        return { status: outcome.status, headers, body: outcome.body };
      }
    }
  }

  refuse(exchange: Exchange, error: HttpError): ResponseHead {
    const { operation, req } = exchange;
    const refusal = draftRefusalOf(error);
    const status = refusal?.status ?? error.status;
    const headers = this.common();
    if (error.isFinalAnswer) headers.push(...this.completeness(true));
    else if (operation.name === 'append' || (operation.name === 'create' && refusal))
      headers.push(...this.completeness(false));
    if (refusal?.showsLimits) headers.push('Upload-Limit', this.limits());
    if (status === 415 && error.header['Accept-Patch'] === undefined)
      headers.push('Accept-Patch', PARTIAL_UPLOAD);
    if (operation.name === 'status' || operation.name === 'download')
      headers.push('Cache-Control', 'no-store');
    if (error.body !== undefined) return { status, headers };
    const isMismatch = refusal?.problem === 'mismatching-upload-offset';
    const body = problemDocument(error, status, this.version, {
      'expected-offset': isMismatch ? parseInteger(error.header['Upload-Offset']) : undefined,
      'provided-offset': isMismatch ? readInteger(req.headers['upload-offset']) : undefined,
    });
    return { status, headers: [...headers, 'Content-Type', 'application/problem+json'], body };
  }

  /** What OPTIONS tells of the draft, beside what it tells of tus. */
  discover(): ResponseHead {
    return {
      status: 200,
      headers: [...this.common(), 'Upload-Limit', this.limits(), 'Accept-Patch', PATCH_TYPES],
    };
  }

  announce(exchange: Exchange, info: FileInfo): void {
    this.inform(exchange, ['Location', exchange.urlOf(info.id), 'Upload-Limit', this.limits(info)]);
  }

  announceProgress(exchange: Exchange, offset: number): void {
    if (!this.version.progress || isCongested(exchange.res)) return;
    // "The server MUST NOT include the Location header field" in these.
    this.inform(exchange, ['Upload-Offset', String(offset)]);
  }

  /** A client that does not say which version it speaks must not get a 104 that it may not understand. */
  private inform({ req, res }: Exchange, headers: string[]): void {
    if (this.version.interop === undefined) return;
    sendInterim(req, res, UPLOAD_RESUMPTION_SUPPORTED, 'Upload Resumption Supported', [
      ...this.common(),
      ...headers,
    ]);
  }

  private readCreate(exchange: Exchange): CreateRequest {
    const header = exchange.req.headers;
    const told = this.readCompleteness(header);
    const completes = told ?? true;
    // Content before an offset must have been sent by another request, and there was none.
    if ((readInteger(header['upload-offset']) ?? 0) !== 0) throw errors.invalidOffset();
    failIfTooMuchToKeep(header, 'ietf', this.options.config.maxMetadataSize);
    const content = this.readContent(exchange);
    const uploadMetadata = one(header['upload-metadata']);
    const length = readInteger(header['upload-length']) ?? (completes ? content.length : undefined);
    return {
      name: 'create',
      protocol: 'ietf',
      length,
      // tus-js-client sends tus's metadata in this protocol too.
      metaData: { ...readContentFields(header), ...readMetadata(uploadMetadata ?? '') },
      content,
      draft: {
        ...this.terms(completes),
        limitsContent: this.version.limitsCreation,
        // Without the field the client has not asked for a resumable upload.
        isResumable:
          (told !== undefined || this.version.withoutCompleteness === 'complete') && this.isLarge(length),
      },
      digests: readRepresentationDigests(header['repr-digest'], header['want-repr-digest']),
    };
  }

  private readAppend(exchange: Exchange, uploadId: string): AppendRequest {
    const header = exchange.req.headers;
    const { appendType, completesAtLength, withoutCompleteness } = this.version;
    if (appendType && essenceOf(header['content-type'] ?? '') !== appendType)
      throw errors.invalidContentType();
    const offset = readInteger(header['upload-offset']);
    if (offset === undefined) throw errors.invalidOffset();
    const declaredLength = readInteger(header['upload-length']);
    // tus-js-client tells a deferred length in a request without content that says nothing else.
    const tellsLengthOnly = completesAtLength && declaredLength !== undefined && !exchange.hasBody;
    const otherwise = withoutCompleteness === 'complete' ? true : tellsLengthOnly ? false : undefined;
    const completes = this.readCompleteness(header) ?? otherwise;
    if (completes === undefined) throw errors.missingCompleteness();
    return {
      name: 'append',
      protocol: 'ietf',
      uploadId,
      offset,
      declaredLength,
      content: this.readContent(exchange),
      draft: this.terms(completes),
      digests: readRepresentationDigests(header['repr-digest'], header['want-repr-digest']),
    };
  }

  private terms(completes: boolean): DraftTerms {
    const { completesAtLength, overflow, repeatedCompletion } = this.version;
    return {
      completes,
      completesAtLength,
      overflow,
      repeatedCompletion,
      limitsContent: true,
      isResumable: true,
    };
  }

  private isLarge(length: number | undefined): boolean {
    return length === undefined || length >= this.options.config.minSize;
  }

  private readContent(exchange: Exchange): IncomingContent {
    const header = exchange.req.headers;
    const unknown = exchange.hasBody ? undefined : 0;
    return {
      length: header['transfer-encoding'] ? undefined : (parseInteger(header['content-length']) ?? unknown),
      checksum: this.options.verifies
        ? readContentDigest(header['content-digest'], header.trailer)
        : undefined,
    };
  }

  private readCompleteness(header: Readonly<Record<string, FieldValue>>): boolean | undefined {
    const { field, whenComplete } = this.version.completeness;
    const value = readBoolean(header[field.toLowerCase()]);
    return value === undefined ? undefined : value === whenComplete;
  }

  /** Drafts up to -05: "The client MUST NOT perform … with the Upload-Offset or Upload-Complete header field"; no later one allows it. */
  private failIfTellsState({ req }: Exchange): void {
    const tellsOffset = readInteger(req.headers['upload-offset']) !== undefined;
    if (tellsOffset || this.readCompleteness(req.headers) !== undefined) throw errors.unexpectedField();
  }

  private receivedHeaders(exchange: Exchange, info: FileInfo, isLocated: boolean): string[] {
    const headers = [
      ...this.common(),
      ...this.completeness(stateOf(info) === 'finished'),
      'Upload-Offset',
      String(info.offset),
      'Upload-Limit',
      this.limits(info),
    ];
    return isLocated ? [...headers, 'Location', exchange.urlOf(info.id)] : headers;
  }

  private statusHeaders(info: FileInfo): string[] {
    const headers = [...this.common(), ...this.completeness(stateOf(info) === 'finished')];
    headers.push('Upload-Offset', String(info.offset), 'Upload-Limit', this.limits(info));
    if (!info.sizeIsDeferred) headers.push('Upload-Length', String(info.size));
    return headers;
  }

  private completeness(isComplete: boolean): string[] {
    const { field, whenComplete } = this.version.completeness;
    return [field, isComplete === whenComplete ? '?1' : '?0'];
  }

  private limits(info?: FileInfo): string {
    return uploadLimit(this.options.config, this.version, info);
  }

  private common(): string[] {
    const { interop } = this.version;
    return interop === undefined ? [] : ['Upload-Draft-Interop-Version', String(interop)];
  }
}

function readRepresentationDigests(
  expected: FieldValue,
  wanted: FieldValue,
): RepresentationDigests | undefined {
  if (expected === undefined && wanted === undefined) return undefined;
  return { expected: one(expected), wanted: one(wanted) };
}

function readContentDigest(field: FieldValue, trailer: string | undefined): AnnouncedChecksum | undefined {
  const expected = readDigests(field);
  if (expected) return { in: 'digest-header', expected };
  const names = trailer?.toLowerCase().split(',') ?? [];
  return names.some((name) => name.trim() === 'content-digest') ? { in: 'digest-trailer' } : undefined;
}

function one(value: FieldValue): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}
